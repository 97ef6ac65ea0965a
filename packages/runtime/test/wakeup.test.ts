import { expect, test } from "vitest";
import { createWakeup } from "../src/wakeup.ts";

/** A clock on which time passes only when the sleeper is woken. */
const still = {
  now: () => 0,
  sleep: (_ms: number, signal?: AbortSignal) =>
    new Promise<void>((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
};

test("a wake ends the sleep, and one that came before it is not lost", async () => {
  const wakeup = createWakeup(still);
  const asleep = wakeup.sleep(1_000);
  wakeup.wake();
  await asleep;
  wakeup.wake();
  await wakeup.sleep(1_000);
});

test("a wake is told once, and is over with the sleep that it ended", async () => {
  const wakeup = createWakeup(still);
  expect(wakeup.wasWoken()).toBe(false);
  wakeup.wake();
  wakeup.wake();
  expect(wakeup.wasWoken()).toBe(true);
  expect(wakeup.wasWoken()).toBe(false);
  wakeup.wake();
  await wakeup.sleep(1_000);
  expect(wakeup.wasWoken()).toBe(false);
});

test("no time is no sleep", async () => {
  await createWakeup(still).sleep(0);
});
