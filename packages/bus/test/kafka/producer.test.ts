import { TOPICS } from "@tocsin/contracts";
import { expect, test } from "vitest";
import { requestsOf } from "../../src/kafka/producer.ts";
import type { WireRecord } from "../../src/wire.ts";

const record = (key: string, bytes: number): WireRecord => ({ topic: TOPICS.events, key, headers: {}, value: "", bytes });
const MIB = 1_048_576;

test("keeps small records together and their order", () => {
  const records = Array.from({ length: 1_000 }, (_, i) => record(`k${i % 3}`, 500));
  expect(requestsOf(records, ({ key }) => key)).toEqual([records]);
});

test("a partition gets no more in one request than one full message, whatever the others get", () => {
  const [a1, a2, b1, a3] = [record("a", MIB), record("a", MIB), record("b", MIB), record("a", 10)];
  expect(requestsOf([a1, b1, a2, a3], ({ key }) => key)).toEqual([
    [a1, b1],
    [a2, a3],
  ]);
});

test("a request stays within its bytes and its number of records", () => {
  const large = Array.from({ length: 9 }, (_, i) => record(`k${i}`, MIB));
  expect(requestsOf(large, ({ key }) => key).map((request) => request.length)).toEqual([7, 2]);
  const many = Array.from({ length: 5_001 }, () => record("k", 1));
  expect(requestsOf(many, (one) => String(many.indexOf(one) % 8)).map((request) => request.length)).toEqual([5_000, 1]);
});

test("a record that is too large for any request still gets one of its own", () => {
  const huge = record("a", 3 * MIB);
  expect(requestsOf([record("a", 1), huge, record("a", 1)], ({ key }) => key).map((request) => request.length)).toEqual([1, 1, 1]);
});
