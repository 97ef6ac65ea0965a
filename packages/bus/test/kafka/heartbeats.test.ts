import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createHeartbeats } from "../../src/kafka/heartbeats.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("beats while something is being handled, and only then", async () => {
  let beats = 0;
  const heartbeats = createHeartbeats(5, 1_000, () => false);
  const beat = async () => {
    beats += 1;
  };
  const [first, second] = [heartbeats.during(beat), heartbeats.during(beat)];
  first();
  await vi.advanceTimersByTimeAsync(15);
  expect(beats).toBe(3);
  second();
  await vi.advanceTimersByTimeAsync(30);
  expect(beats).toBe(3);
});

test("says so when no beat was answered for a session", async () => {
  const failures: unknown[] = [];
  const heartbeats = createHeartbeats(5, 40, (error) => {
    failures.push(error);
    return false;
  });
  const release = heartbeats.during(() => new Promise(() => {}));
  await vi.advanceTimersByTimeAsync(40);
  expect(failures).toEqual([]);
  await vi.advanceTimersByTimeAsync(5);
  expect(failures).toEqual([undefined]);
  release();
});

test("a failed beat that counts as a sign of life keeps the session", async () => {
  const failures: unknown[] = [];
  const rebalance = new Error("rebalance");
  const heartbeats = createHeartbeats(5, 60, (error) => {
    failures.push(error);
    return error === rebalance;
  });
  const release = heartbeats.during(() => Promise.reject(rebalance));
  await vi.advanceTimersByTimeAsync(200);
  release();
  expect(failures).toHaveLength(40);
  expect(failures.every((error) => error === rebalance)).toBe(true);
});
