import { expect, test } from "vitest";
import { createExclusive } from "../src/exclusive.ts";

test("lets one at a time through in order of arrival, past one that fails", async () => {
  const turns = createExclusive();
  const seen: string[] = [];
  const turn = (name: string, work: () => Promise<void>) =>
    turns.run(async () => {
      seen.push(`+${name}`);
      await work();
      seen.push(`-${name}`);
    });
  const results = await Promise.allSettled([
    turn("a", () => new Promise((resolve) => setImmediate(resolve))),
    turn("b", () => Promise.reject(new Error("no"))),
    turn("c", async () => {}),
  ]);
  expect(seen).toEqual(["+a", "-a", "+b", "+c", "-c"]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

test("gives the event loop its turn while the queue never runs dry", async () => {
  const turns = createExclusive(5);
  let timerFired = false;
  setTimeout(() => {
    timerFired = true;
  }, 1);
  const deadline = performance.now() + 5_000;
  // Each turn is microtasks only: without yielding, no timer would ever fire.
  while (!timerFired && performance.now() < deadline) await turns.run(async () => {});
  expect(timerFired).toBe(true);
});
