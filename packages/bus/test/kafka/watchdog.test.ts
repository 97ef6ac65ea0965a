import { expect, test } from "vitest";
import { createRebuildPolicy, startWatchdog } from "../../src/kafka/watchdog.ts";

function watched(state: { idleMs: number; lag: number | Error }) {
  const calls: string[] = [];
  const dog = startWatchdog({
    stallMs: 60_000,
    idleMs: () => state.idleMs,
    lag: async () => {
      if (state.lag instanceof Error) throw state.lag;
      return state.lag;
    },
    onQuiet: () => calls.push("quiet"),
    onStall: async (why) => void calls.push(why),
  });
  return { dog, calls };
}

test.each([
  ["work waits and nothing has moved", { idleMs: 60_000, lag: 3 }, ["3 events wait and nothing has moved for 60000 ms"]],
  ["nothing waits", { idleMs: 90_000, lag: 0 }, ["quiet"]],
  ["it has moved a moment ago", { idleMs: 59_999, lag: 3 }, []],
  ["the brokers are away", { idleMs: 90_000, lag: new Error("away") }, []],
])("when %s", async (_when, state, expected) => {
  const { dog, calls } = watched(state);
  await dog.check();
  dog.stop();
  expect(calls).toEqual(expected);
});

test("what moves while the lag is asked for is not stuck", async () => {
  const state = { idleMs: 60_000, lag: 3 };
  const calls: string[] = [];
  const dog = startWatchdog({
    stallMs: 60_000,
    idleMs: () => state.idleMs,
    lag: async () => {
      state.idleMs = 0;
      return state.lag;
    },
    onQuiet: () => calls.push("quiet"),
    onStall: async (why) => void calls.push(why),
  });
  await dog.check();
  dog.stop();
  expect(calls).toEqual([]);
});

test("a consumer is rebuilt once; again only after it went well for a while", () => {
  let now = 0;
  const policy = createRebuildPolicy(600_000, () => now);
  expect(policy.mayRebuild()).toBe(true);
  now = 600_000;
  expect(policy.mayRebuild()).toBe(false);
  now = 1_300_000;
  expect(policy.mayRebuild()).toBe(true);
});
