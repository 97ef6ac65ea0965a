import { TOPICS } from "@tocsin/contracts";
import { AppError } from "@tocsin/runtime";
import { expect, test } from "vitest";
import { createBatcher } from "../src/batcher.ts";
import type { WireRecord } from "../src/wire.ts";
import { latch } from "./support/events.ts";

const record = (key: string, bytes = 10): WireRecord => ({ topic: TOPICS.events, key, headers: {}, value: "", bytes });

/** Writes that end when the test says so. */
function held() {
  const writes: string[][] = [];
  const gates: ReturnType<typeof latch<void>>[] = [];
  return {
    writes,
    async write(records: readonly WireRecord[]) {
      writes.push(records.map(({ key }) => key));
      const gate = latch();
      gates.push(gate);
      await gate.opened;
    },
    async end(n: number) {
      gates[n]?.open();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test("a lone publish is written at once, those that come meanwhile go together and in order", async () => {
  const { writes, write, end } = held();
  const batcher = createBatcher({ write, maxRecords: 100, maxBytes: 1_000 });
  const all = [batcher.send([record("a")]), batcher.send([record("b"), record("c")]), batcher.send([record("d")])];
  expect(writes).toEqual([["a"]]);
  await end(0);
  expect(writes).toEqual([["a"], ["b", "c", "d"]]);
  await end(1);
  await Promise.all(all);
  const again = batcher.send([record("e")]);
  await end(2);
  await again;
  expect(writes).toHaveLength(3);
});

test("a publish right after the last one ended is not forgotten", async () => {
  const batcher = createBatcher({ write: async () => {}, maxRecords: 10, maxBytes: 1_000 });
  for (let i = 0; i < 100; i++) await batcher.send([record("k")]);
});

test("keeps to the limits, yet lets through one publish that is larger than they are", async () => {
  const { writes, write, end } = held();
  const batcher = createBatcher({ write, maxRecords: 3, maxBytes: 1_000 });
  const many = Array.from({ length: 5 }, (_, i) => record(`m${i}`));
  const all = [[record("a")], many, [record("b")], [record("c", 999)], [record("d", 2)]].map(batcher.send);
  for (let n = 0; n < 4; n++) await end(n);
  await end(4);
  await Promise.all(all);
  expect(writes).toEqual([["a"], many.map(({ key }) => key), ["b"], ["c"], ["d"]]);
});

test("one publisher's fault is not the others'; the server's is everybody's", async () => {
  const written: string[] = [];
  let away = false;
  const batcher = createBatcher({
    async write(records) {
      await Promise.resolve();
      if (away) throw new AppError("BUS_UNAVAILABLE", "away", { retryable: true });
      if (records.some(({ key }) => key === "bad")) throw new AppError("BUS_PAYLOAD_INVALID", "bad");
      written.push(...records.map(({ key }) => key));
    },
    maxRecords: 100,
    maxBytes: 1_000,
  });
  const outcomes = await Promise.allSettled(["first", "x", "bad", "y"].map((key) => batcher.send([record(key)])));
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
  expect(written).toEqual(["first", "x", "y"]);
  away = true;
  const lost = await Promise.allSettled(["p", "q", "r"].map((key) => batcher.send([record(key)])));
  expect(lost.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  away = false;
  await batcher.send([record("z")]);
  expect(written.at(-1)).toBe("z");
});

test("what waited too long is given up and not written any more", async () => {
  const { writes, write, end } = held();
  const batcher = createBatcher({ write, maxRecords: 100, maxBytes: 1_000, timeoutMs: 20 });
  const first = batcher.send([record("a")]);
  const second = batcher.send([record("b")]);
  const unavailable = { code: "BUS_UNAVAILABLE", retryable: true };
  await expect(first).rejects.toMatchObject(unavailable);
  await expect(second).rejects.toMatchObject(unavailable);
  await end(0);
  await batcher.drained();
  expect(writes).toEqual([["a"]]);
});

test("does not pile up without end", async () => {
  const { write, end } = held();
  const batcher = createBatcher({ write, maxRecords: 100, maxBytes: 1_000 });
  const half = 34_000_000;
  const all = [batcher.send([record("a", half)]), batcher.send([record("b", half)])];
  await expect(batcher.send([record("c", half)])).rejects.toMatchObject({ code: "BUS_UNAVAILABLE" });
  await end(0);
  await end(1);
  await Promise.all(all);
});
