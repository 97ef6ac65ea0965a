import { expect, test } from "vitest";
import { nextStart } from "../src/restart.ts";

test("waits twice as long after each failure in a row, half a minute at most", () => {
  let failures = 0;
  const waits: number[] = [];
  for (let n = 0; n < 9; n++) {
    const next = nextStart(failures, 0, 1);
    failures = next.failures;
    waits.push(next.delayMs);
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test("begins anew after a minute of running well, and no millisecond before", () => {
  expect(nextStart(6, 60_000, null)).toEqual({ failures: 1, delayMs: 500 });
  expect(nextStart(6, 59_999, null)).toEqual({ failures: 7, delayMs: 30_000 });
});

test("a set-up that is wrong is tried more slowly from the first", () => {
  expect(nextStart(0, 0, 2).delayMs).toBe(5_000);
  expect(nextStart(5, 0, 2).delayMs).toBe(30_000);
});
