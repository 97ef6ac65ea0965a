import { TOPICS } from "@tocsin/contracts";
import { expect, test } from "vitest";
import { type PlacedRecord, requestsOf } from "../../src/kafka/producer.ts";

const record = (partition: number, bytes: number): PlacedRecord => ({
  record: { topic: TOPICS.events, key: `key of ${partition}`, headers: {}, value: "", bytes },
  partition,
});
const MIB = 1_048_576;

test("keeps small records together and their order", () => {
  const records = Array.from({ length: 1_000 }, (_, i) => record(i % 3, 500));
  expect(requestsOf(records)).toEqual([records]);
});

test("a partition gets no more in one request than one full message, whatever the others get", () => {
  const [a1, a2, b1, a3] = [record(0, MIB), record(0, MIB), record(1, MIB), record(0, 10)];
  expect(requestsOf([a1, b1, a2, a3])).toEqual([
    [a1, b1],
    [a2, a3],
  ]);
});

test("a request stays within its bytes and its number of records", () => {
  const large = Array.from({ length: 9 }, (_, i) => record(i, MIB));
  expect(requestsOf(large).map((request) => request.length)).toEqual([7, 2]);
  const many = Array.from({ length: 5_001 }, (_, i) => record(i % 8, 1));
  expect(requestsOf(many).map((request) => request.length)).toEqual([5_000, 1]);
});

test("a record that is too large for any request still gets one of its own", () => {
  const huge = record(0, 3 * MIB);
  expect(requestsOf([record(0, 1), huge, record(0, 1)]).map((request) => request.length)).toEqual([1, 1, 1]);
});
