import type { EdgeStats, LogLine, Sample, SignalSeries } from "@tocsin/contracts";
import { describe, expect, test } from "vitest";
import { askContrast, type ContrastSource } from "../../src/advice/contrast.ts";
import type { ContrastQuery } from "../../src/advice/contrast-queries.ts";

const WINDOW = { from: 0, splitAt: 600, to: 700 };
const series = (values: (at: number) => number, step = 5): SignalSeries => {
  const samples: Sample[] = [];
  for (let at = 0; at < 700; at += step) samples.push([at, values(at)]);
  return { service: "payments", signal: "error_ratio", samples, query: "errors" };
};
const source = (given: {
  series?: SignalSeries;
  logs?: readonly LogLine[];
  before?: readonly EdgeStats[];
  after?: readonly EdgeStats[];
}): ContrastSource => ({
  series: async () => given.series,
  logs: async () => given.logs,
  edges: async ({ to }) => (to <= 600 ? given.before : given.after),
});
const ask = (query: ContrastQuery, from: ContrastSource) => askContrast(query, from, WINDOW, (content) => `ev_${content.length}`);

const now: ContrastQuery = {
  id: "q1",
  text: "?",
  service: "payments",
  kind: "signal-now",
  signal: "error_ratio",
  direction: "up",
  baseline: 0,
  level: 0.5,
  onsetAt: 620,
};
const logs: ContrastQuery = {
  id: "q2",
  text: "?",
  service: "payments",
  kind: "logs-before",
  templates: [{ template: "TypeError in charge <num>: undefined", after: 20 }],
};
const calls: ContrastQuery = { id: "q3", text: "?", service: "payments", kind: "calls-into", callers: ["checkout"] };
const sibling: ContrastQuery = {
  id: "q4",
  text: "?",
  service: "payments",
  kind: "sibling",
  sibling: "inventory",
  signal: "error_ratio",
  direction: "up",
  factor: 10,
  onsetAt: 620,
};

describe("the signal at the end", () => {
  const at = async (values: (at: number) => number) => (await ask(now, source({ series: series(values) }))).verdict;
  test("contradicts when it is back to stay, and only then", async () => {
    expect(await at((t) => (t >= 620 && t < 670 ? 0.5 : 0))).toBe("contradicted");
    expect(await at((t) => (t >= 620 ? 0.5 : 0))).toBe("upheld");
    // One of the last samples is off: it swings.
    expect(await at((t) => ((t >= 620 && t < 670) || t === 690 ? 0.5 : 0))).toBe("upheld");
  });
  test("says nothing when it began a moment ago, however well it was before", async () => {
    const young = { ...now, onsetAt: 680 };
    expect((await ask(young, source({ series: series(() => 0) }))).verdict).toBe("silent");
  });
});

describe("earlier log lines", () => {
  const line = (n: number): LogLine => ({ at: -50, service: "payments", level: "error", message: `TypeError in charge ${n}: undefined` });
  test("contradict when they were as many, not when they were few, and say nothing when there are none", async () => {
    const verdict = async (count: number) => (await ask(logs, source({ logs: Array.from({ length: count }, (_, n) => line(n)) }))).verdict;
    expect(await verdict(16)).toBe("contradicted");
    expect(await verdict(15)).toBe("upheld");
    expect(await verdict(0)).toBe("silent");
  });
});

describe("calls into the candidate", () => {
  const edge = (calls_: number, errors: number, p95Ms: number): EdgeStats => ({
    from: "checkout",
    to: "payments",
    calls: calls_,
    errors,
    p95Ms,
  });
  test.each([
    ["as before", edge(100, 0, 20), edge(100, 0, 21), "contradicted"],
    ["failing", edge(100, 0, 20), edge(100, 5, 21), "upheld"],
    ["slower", edge(100, 0, 20), edge(100, 0, 60), "upheld"],
    ["too few", edge(100, 0, 20), edge(10, 0, 20), "silent"],
  ])("%s: %#", async (_name, before, after, verdict) => {
    expect((await ask(calls, source({ before: [before], after: [after] }))).verdict).toBe(verdict);
  });
});

test("a sibling that changed as much and as early contradicts; one that did not upholds", async () => {
  const shifted = (at: number) => series((t) => 0.02 + 0.001 * Math.sin(t) + (t >= at ? 0.6 : 0));
  expect((await ask(sibling, source({ series: shifted(615) }))).verdict).toBe("contradicted");
  expect((await ask(sibling, source({ series: shifted(660) }))).verdict).toBe("upheld");
  expect((await ask(sibling, source({ series: series(() => 0.02) }))).verdict).toBe("upheld");
});

test("a source that fails says nothing", async () => {
  const away: ContrastSource = {
    series: () => Promise.reject(new Error("away")),
    logs: () => Promise.reject(new Error("away")),
    edges: () => Promise.reject(new Error("away")),
  };
  for (const query of [now, logs, calls, sibling]) expect((await ask(query, away)).verdict).toBe("silent");
});
