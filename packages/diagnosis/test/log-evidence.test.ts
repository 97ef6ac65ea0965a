import type { LogLine } from "@tocsin/contracts";
import { expect, test } from "vitest";
import { findLogChanges, findPatternChanges } from "../src/log-evidence.ts";

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

test("rates count over what was read: the newest lines of a busy service reach back for seconds only", () => {
  const usual = [...every(590, 600, 0.1, "served request # in time"), ...every(690, 700, 0.1, "served request # in time")];
  // An old failure was picked out by itself and says nothing of how far the others reach.
  const lines = [line(5, "disk scrub failed", "error"), ...usual];
  expect(find(lines).map(({ kind }) => kind)).toContain("burst");
  const reach = [{ service: "cart", before: 590, after: 690 }];
  expect(findLogChanges(lines, WINDOW, SERVICES, { reach }).filter(({ kind }) => kind !== "vanished")).toEqual([]);
});

const samples = (from: number, to: number, step: number, count: number): [number, number][] =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => [from + i * step, count]);

test("a server's own patterns are judged by their counts over the whole window", () => {
  const patterns = [
    { service: "cart", pattern: "call to payments timed out after <_> ms", samples: samples(620, 700, 10, 5) },
    { service: "cart", pattern: "served <_> in time", samples: samples(0, 700, 10, 40) },
    { service: "cart", pattern: "heartbeat <_>", samples: samples(0, 600, 10, 4) },
  ];
  expect(findPatternChanges(patterns, WINDOW, SERVICES, [])).toMatchObject([
    { kind: "new", blames: "payments", level: "error", before: 0, after: 40, onsetAt: 620 },
    { kind: "vanished", before: 240, after: 0 },
  ]);
});

test("what the lines have told already is not told again as a pattern", () => {
  const known = find([...every(0, 600, 10, "usual"), ...every(620, 700, 5, "call to payments timed out after # ms", "error")]);
  expect(known.map(({ kind }) => kind)).toContain("new");
  const patterns = [{ service: "cart", pattern: "call to payments timed out after <_> ms", samples: samples(620, 700, 10, 5) }];
  expect(findPatternChanges(patterns, WINDOW, SERVICES, known)).toEqual([]);
});
