import { compileGraph, DEFAULT_CORRELATION } from "@tocsin/correlation";
import { expect, test } from "vitest";
import { type AlertScript, alert, SHOP, topology } from "../../../../packages/correlation/test/alerts.ts";
import { compare, report } from "../../src/backtest/compare.ts";
import { replay } from "../../src/backtest/replay.ts";
import { readRules } from "../../src/rule-file.ts";

const SCRIPTS: readonly AlertScript[] = [
  { name: "MemoryGrowing", service: "payments", at: 0 },
  { name: "HighErrorRate", service: "checkout", at: 20 },
  { name: "Noise", service: "archive", at: 30 },
  { name: "HighErrorRate", service: "checkout", at: 20, endsAt: 100 },
  { name: "MemoryGrowing", service: "payments", at: 0, endsAt: 110 },
  { name: "MemoryGrowing", service: "payments", at: 3_600 },
];
const history = SCRIPTS.map((script) => alert(script));
const run = (yaml: string, heldBack = "none") => {
  const read = readRules(yaml);
  if (read.kind === "invalid") throw new Error(JSON.stringify(read.problems));
  return replay(history, {
    rules: read.rules,
    graph: compileGraph(topology(SHOP), DEFAULT_CORRELATION.maxHops, DEFAULT_CORRELATION.hubDependents),
    asItWas: ({ name }) => (name === heldBack ? { rule: "silence:s", text: "as it was" } : undefined),
    closeAfterMs: 300_000,
  });
};

test("equal rules make no difference, and what was quiet for long enough has closed", () => {
  const comparison = compare(history, run(""), run(""));
  expect(comparison).toMatchObject({
    transitions: 6,
    incidents: { before: 3, after: 3 },
    merged: [],
    split: [],
    newlySuppressed: [],
    released: [],
  });
});

test("names what is split, with its titles, and the other way round what is merged", () => {
  const strict = run("correlation: { joinAt: 2 }");
  const comparison = compare(history, run(""), strict);
  expect(comparison.incidents).toEqual({ before: 3, after: 4 });
  expect(comparison.split.map(({ from, into }) => [from.title, into.map(({ title }) => title)])).toEqual([
    ["payments: MemoryGrowing (+1 symptom)", ["payments: MemoryGrowing", "checkout: HighErrorRate"]],
  ]);
  expect(compare(history, strict, run("")).merged).toHaveLength(1);
  expect(report(comparison)).toContain('split: 1\n  "payments: MemoryGrowing (+1 symptom)" (2 alerts, 2026-01-01T00:00:00.000Z) → ');
});

test("names what is held back now and what no longer is; what people silenced then stays silenced", () => {
  const quiet = run("suppress: [{ id: noise, matcher: 'name == \"Noise\"', owner: ada, reason: known }]");
  const comparison = compare(history, run(""), quiet);
  expect(comparison.newlySuppressed).toMatchObject([{ alert: { name: "Noise" }, reason: "rule:noise: held back by a rule of ada: known" }]);
  expect(comparison.suppressed).toEqual({ before: 0, after: 1 });
  expect(compare(history, quiet, run("")).released).toMatchObject([{ alert: { name: "Noise" }, into: { title: "archive: Noise" } }]);
  expect(compare(history, run("", "Noise"), run("", "Noise")).suppressed).toEqual({ before: 1, after: 1 });
});
