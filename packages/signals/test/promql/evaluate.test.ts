import { describe, expect, test } from "vitest";
import { evaluate } from "../../src/promql/evaluate.ts";
import { parsePromql } from "../../src/promql/parse.ts";
import type { SeriesSource } from "../../src/promql/series-source.ts";
import { type HistorySeries, makeHistory, START_SECONDS, sourceOf } from "./history.ts";

const at = (query: string, source: SeriesSource, seconds: number) =>
  evaluate(parsePromql(query), source, { startMs: seconds * 1_000, endMs: seconds * 1_000, stepMs: 1 });

const one = (samples: HistorySeries["samples"], labels: Record<string, string> = {}): HistorySeries => ({
  labels: { __name__: "x", ...labels },
  samples,
});

describe("an instant selector", () => {
  const source = sourceOf([one([[100, 7]])]);

  test("looks back five minutes and not a millisecond more", () => {
    expect(at("x", source, 399.999)).toHaveLength(1);
    expect(at("x", source, 400)).toEqual([]);
    expect(at("x", source, 99.999)).toEqual([]);
  });

  test("finds nothing after a staleness marker, and again what comes after it", () => {
    const labels = sourceOf([one([])]).select([], 0, 0)[0]?.labels;
    if (!labels) throw new Error("no labels");
    const series = { labels, times: Float64Array.of(1_000, 2_000, 3_000), values: Float64Array.of(1, 0, 3), stale: Uint8Array.of(0, 1, 0) };
    const stale: SeriesSource = { select: () => [series] };
    expect(at("x", stale, 1.5)[0]?.samples).toEqual([[1.5, 1]]);
    expect(at("x", stale, 2.5)).toEqual([]);
    expect(at("x", stale, 3.5)[0]?.samples).toEqual([[3.5, 3]]);
    expect(at("count_over_time(x[10s])", stale, 3.5)[0]?.samples[0]?.[1]).toBe(2);
  });
});

describe("a range", () => {
  test("is open to the left and closed to the right", () => {
    const source = sourceOf([
      one([
        [10, 1],
        [20, 2],
        [30, 3],
      ]),
    ]);
    expect(at("count_over_time(x[20s])", source, 30)[0]?.samples[0]?.[1]).toBe(2);
  });

  test("adds back what a counter lost when it was reset", () => {
    const source = sourceOf([
      one([
        [10, 100],
        [20, 110],
        [30, 5],
        [40, 15],
      ]),
    ]);
    expect(at("increase(x[30s])", source, 40)[0]?.samples[0]?.[1]).toBeCloseTo((15 - 110 + 110) * (30 / 20), 10);
    expect(at("resets(x[1m])", source, 40)[0]?.samples[0]?.[1]).toBe(1);
  });

  test("gives nothing of a single sample where two are needed", () => {
    const source = sourceOf([one([[10, 1]])]);
    expect(at("rate(x[1m])", source, 20)).toEqual([]);
    expect(at("last_over_time(x[1m])", source, 20)).toHaveLength(1);
  });
});

describe("what cannot be executed", () => {
  const source = sourceOf(makeHistory());
  const now = START_SECONDS + 600;

  test.each([
    ["up / pool_in_use * on (job) memory_bytes", /many-to-many/],
    ["http_requests_total / on (service) up", /must be explicit/],
    ['label_replace(sum by (service) (up), "service", "same", "", "")', /same labelset/],
    ['rate({__name__=~"pool_.*"}[5m])', /same labelset/],
    ['label_replace(up, "0bad", "x", "service", ".*")', /invalid target label/],
    ['count_values("0bad", up)', /invalid label name/],
    ["pool_in_use * on (job) group_left () build_info", /many-to-many/],
  ])("%s is refused with the reason", (query, reason) => {
    const refused = expect.objectContaining({ code: "PROMQL_EXECUTION", message: expect.stringMatching(reason) });
    expect(() => at(query, source, now)).toThrow(refused);
  });
});

describe("budgets", () => {
  const source = sourceOf(makeHistory());
  const window = { startMs: START_SECONDS * 1_000, endMs: (START_SECONDS + 600) * 1_000, stepMs: 1_000 };

  test("more than 11,000 points are refused", () => {
    expect(() => evaluate(parsePromql("up"), source, { startMs: 0, endMs: 11_000_000, stepMs: 1_000 })).toThrow(/11000 points/);
  });
  test("more samples than allowed are refused", () => {
    expect(() => evaluate(parsePromql("up"), source, window, { maxSamples: 10 })).toThrow(/more than 10 samples/);
  });
  test("a deadline that has passed ends the evaluation", () => {
    expect(() => evaluate(parsePromql("up"), source, window, { deadlineAt: performance.now() - 1 })).toThrow(/deadline/);
  });
  test("a subquery of too many steps is refused", () => {
    expect(() => evaluate(parsePromql("max_over_time(up[1d:1s])"), source, window)).toThrow(/subquery/);
  });
});
