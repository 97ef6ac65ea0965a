import { expect, test } from "vitest";
import { judgeWatch, type Watch } from "../src/watch.ts";

const memory: Watch = { service: "payments", signal: "memory", direction: "up", baseline: 8e7, limit: 1e8 };
const up: Watch = { service: "payments", signal: "up", direction: "down", baseline: 1, limit: 0.5 };

test("a signal is back at its limit and not above it", () => {
  expect(judgeWatch(memory, 1e8, true).isBack).toBe(true);
  expect(judgeWatch(memory, 1e8 + 1, true)).toMatchObject({ isBack: false, text: "payments: memory is still at 100 MB (before 80 MB)" });
});

test("a service that gives no `up` while the source answers is not back", () => {
  expect(judgeWatch(up, undefined, true).isBack).toBe(false);
  expect(judgeWatch(up, 0, true).isBack).toBe(false);
  expect(judgeWatch(up, 1, true).isBack).toBe(true);
});

test("a source that is away holds nothing against the service", () => {
  expect(judgeWatch(up, undefined, false).isBack).toBe(true);
});

test("no traffic, no latency: a gap is no illness", () => {
  expect(judgeWatch({ ...memory, signal: "latency_p95" }, Number.NaN, true).isBack).toBe(true);
});
