import { expect, test } from "vitest";
import { createTurns } from "../../src/kafka/turns.ts";

const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** Queues up and notes what happens. */
function queue(turns: ReturnType<typeof createTurns>, log: string[], name: string, rank: number): void {
  void turns.enter(name, rank).then((isTurn) => log.push(isTurn ? name : `${name} sent home`));
}

test("lets in one at a time, the most urgent first, equals in the order in which they came", async () => {
  const turns = createTurns();
  const log: string[] = [];
  queue(turns, log, "info/0", 2);
  queue(turns, log, "critical/1", 0);
  queue(turns, log, "critical/0", 0);
  queue(turns, log, "warning/0", 1);
  for (let i = 1; i <= 4; i++) {
    await settled();
    expect(log).toHaveLength(i);
    turns.leave();
  }
  expect(log).toEqual(["critical/1", "critical/0", "warning/0", "info/0"]);
});

test("sends the less urgent home while something more urgent is to be fetched", async () => {
  const turns = createTurns();
  const log: string[] = [];
  turns.expect("critical/0", 0);
  queue(turns, log, "critical/3", 0);
  queue(turns, log, "info/0", 2);
  await settled();
  expect(log).toEqual(["critical/3"]);
  turns.leave();
  await settled();
  expect(log).toEqual(["critical/3", "info/0 sent home"]);
  queue(turns, log, "critical/0", 0);
  await settled();
  turns.leave();
  queue(turns, log, "info/0", 2);
  await settled();
  expect(log.slice(2)).toEqual(["critical/0", "info/0"]);
});

test("does not wait for ever for what was announced and does not come", async () => {
  let now = 0;
  const turns = createTurns(() => now);
  const log: string[] = [];
  turns.expect("critical/0", 0);
  now = 1_000;
  queue(turns, log, "info/0", 2);
  await settled();
  expect(log).toEqual(["info/0"]);
});

test("sends everybody home", async () => {
  const turns = createTurns();
  const log: string[] = [];
  queue(turns, log, "a", 0);
  await settled();
  queue(turns, log, "b", 0);
  queue(turns, log, "c", 1);
  turns.dismiss();
  await settled();
  expect(log).toEqual(["a", "b sent home", "c sent home"]);
});
