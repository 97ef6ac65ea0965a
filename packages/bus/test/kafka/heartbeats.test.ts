import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { createHeartbeats } from "../../src/kafka/heartbeats.ts";

test("beats while something is being handled, and only then", async () => {
  let beats = 0;
  let reached = () => {};
  const three = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const heartbeats = createHeartbeats(5, 1_000, () => false);
  const beat = async () => {
    beats += 1;
    if (beats === 3) reached();
  };
  const [first, second] = [heartbeats.during(beat), heartbeats.during(beat)];
  first();
  await three;
  second();
  const after = beats;
  await delay(30);
  expect(beats).toBe(after);
});

test("says so when no beat was answered for a session", async () => {
  const heartbeats = createHeartbeats(5, 40, (error) => {
    failed(error);
    return false;
  });
  let failed: (error: unknown) => void = () => {};
  const failure = new Promise<unknown>((resolve) => {
    failed = resolve;
  });
  const release = heartbeats.during(() => new Promise(() => {}));
  expect(await failure).toBeUndefined();
  release();
});

test("a failed beat that counts as a sign of life keeps the session", async () => {
  const failures: unknown[] = [];
  let reached = () => {};
  const twenty = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const rebalance = new Error("rebalance");
  const heartbeats = createHeartbeats(5, 60, (error) => {
    failures.push(error);
    if (failures.length >= 20) reached();
    return error === rebalance;
  });
  const release = heartbeats.during(() => Promise.reject(rebalance));
  await twenty;
  release();
  expect(failures.every((error) => error === rebalance)).toBe(true);
});
