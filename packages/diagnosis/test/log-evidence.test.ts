import type { LogLine } from "@tocsin/contracts";
import { expect, test } from "vitest";
import { findLogChanges } from "../src/log-evidence.ts";

const WINDOW = { from: 0, splitAt: 600, to: 700 };
const SERVICES = new Set(["cart", "payments", "catalog"]);
const line = (at: number, message: string, level: LogLine["level"] = "info", service = "cart"): LogLine => ({
  at,
  service,
  level,
  message,
});
const every = (from: number, to: number, step: number, message: string, level?: LogLine["level"]) => {
  const list: LogLine[] = [];
  for (let at = from; at < to; at += step) list.push(line(at, message.replace("#", String(at * 7)), level));
  return list;
};
const find = (lines: readonly LogLine[]) => findLogChanges(lines, WINDOW, SERVICES);

test("a new error is found from its first line, new chatter only from the third", () => {
  const usual = every(0, 700, 10, "served request # in time");
  expect(find([...usual, line(650, "cannot open database: no such file", "error")])).toMatchObject([
    { kind: "new", before: 0, after: 1, onsetAt: 650 },
  ]);
  expect(find([...usual, line(650, "warming the second cache"), line(660, "warming the second cache")])).toEqual([]);
  expect(find([...usual, ...every(650, 680, 10, "warming the second cache")])).toMatchObject([{ kind: "new", after: 3 }]);
});

test("a burst needs three times the rate and twenty lines", () => {
  const usual = every(0, 600, 10, "retrying call #", "warn"); // 10 expected in the incident
  expect(find([...usual, ...every(600, 700, 3.6, "retrying call #", "warn")])).toEqual([]); // 28, and the three-fold is 30
  expect(find([...usual, ...every(600, 700, 2, "retrying call #", "warn")])).toMatchObject([{ kind: "burst", before: 60, after: 50 }]);
});

test("a template that falls silent is told, weakly", () => {
  const [finding] = find([...every(0, 600, 5, "heartbeat # sent"), line(650, "still here")]);
  expect(finding).toMatchObject({ kind: "vanished", after: 0 });
  expect(finding?.strength).toBeLessThan(0.5);
});

test("without a baseline nothing is new", () => {
  expect(findLogChanges(every(600, 700, 10, "boom #", "error"), { from: 600, splitAt: 600, to: 700 }, SERVICES)).toEqual([]);
});

test("a failure that names another service blames it; a line about its own service does not", () => {
  const usual = every(0, 700, 10, "served request # in time");
  expect(find([...usual, ...every(650, 690, 5, "call to payments timed out after # ms", "error")])[0]?.blames).toBe("payments");
  expect(find([...usual, ...every(650, 690, 5, "cart failed to start", "error")])[0]?.blames).toBeUndefined();
  expect(find([...usual, ...every(650, 690, 5, "asked payments and got # answers")])[0]?.blames).toBeUndefined();
});

test("a source that keeps only the newest lines makes no burst of a steady one", () => {
  const kept = every(560, 700, 1, "served request # in time");
  expect(find(kept)).toEqual([]);
});
