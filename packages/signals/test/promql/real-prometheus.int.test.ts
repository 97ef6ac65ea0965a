import type { Series } from "@tocsin/contracts";
import { AppError, systemClock } from "@tocsin/runtime";
import { lacks, PROMETHEUS_PROGRAMS, type RunningPrometheus, startPrometheus } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPrometheusBackend } from "../../src/prometheus/prometheus-backend.ts";
import { evaluate } from "../../src/promql/evaluate.ts";
import { parsePromql } from "../../src/promql/parse.ts";
import { makeHistory, openMetrics, START_SECONDS, sourceOf } from "./history.ts";

// What a person or a rule would ask, and then the corners. Each is asked at three instants and over a window.
const QUERIES = [
  "http_requests_total",
  'http_requests_total{service="cart",code!="200"}',
  'http_requests_total{service=~"c.*",code!~"2..|4.."}',
  '{__name__=~"pool_.*",service="cart"}',
  "memory_bytes offset 2m",
  "sum(rate(http_requests_total[2m]))",
  "rate(http_requests_total[1m])",
  "rate(http_requests_total[5m] offset 1m)",
  "irate(http_requests_total[1m])",
  "increase(http_requests_total[5m])",
  'increase(http_requests_total{code="500"}[10m])',
  "delta(memory_bytes[3m])",
  "idelta(memory_bytes[3m])",
  "deriv(memory_bytes[5m])",
  "predict_linear(memory_bytes[5m], 3600)",
  "changes(up[10m])",
  "resets(http_requests_total[20m])",
  "avg_over_time(memory_bytes[4m])",
  "min_over_time(memory_bytes[4m]) - max_over_time(memory_bytes[4m])",
  "sum_over_time(pool_in_use[2m]) / count_over_time(pool_in_use[2m])",
  "last_over_time(ended_total[20m])",
  "quantile_over_time(0.9, memory_bytes[10m])",
  "stddev_over_time(memory_bytes[10m])",
  "stdvar_over_time(pool_in_use[10m])",
  "present_over_time(ended_total[20m])",
  "max_over_time(odd_gauge[2m])",
  "min_over_time(odd_gauge[2m])",
  "sum_over_time(odd_gauge[2m])",
  "rate(late_total[5m])",
  "ended_total",
  "sum by (service) (rate(http_requests_total[2m]))",
  "sum without (code, method) (rate(http_requests_total[2m]))",
  "avg by (code) (http_requests_total)",
  "min(memory_bytes) by (job)",
  "max without () (memory_bytes)",
  "count(http_requests_total) by (service, code)",
  "group by (service) (up)",
  "stddev by (job) (memory_bytes)",
  "stdvar(pool_in_use)",
  "topk(3, http_requests_total)",
  "topk by (service) (1, http_requests_total)",
  "bottomk(2, memory_bytes)",
  "quantile(0.75, memory_bytes)",
  "quantile by (service) (0.5, http_requests_total)",
  'count_values("value", up)',
  "histogram_quantile(0.95, sum by (le, service) (rate(latency_seconds_bucket[2m])))",
  "histogram_quantile(0.5, latency_seconds_bucket)",
  "histogram_quantile(1, sum by (le) (rate(latency_seconds_bucket[5m])))",
  "histogram_quantile(1.5, latency_seconds_bucket)",
  'sum by (service) (rate(http_requests_total{code=~"5.."}[2m])) / sum by (service) (rate(http_requests_total[2m])) > 0.01',
  "pool_in_use / pool_size",
  "pool_in_use / pool_size > bool 0.5",
  "pool_in_use == 1 or pool_in_use > 8",
  "1 - pool_in_use / pool_size",
  "2 ^ 3 ^ 0.5 * 2 % 3",
  "-1 ^ 2",
  "-memory_bytes",
  "memory_bytes > 1.002e8",
  "1.002e8 < memory_bytes",
  "1.002e8 < bool memory_bytes",
  "pool_in_use * on (service) group_left (version) build_info",
  "build_info * on (service) group_right (version) pool_in_use",
  "memory_bytes * ignoring (pool) pool_size",
  "memory_bytes and on (service) (pool_in_use > 5)",
  "up unless on (service) (pool_in_use > 5)",
  "memory_bytes or pool_in_use",
  "up == 1 and on () (vector(1))",
  "absent(nothing_here)",
  'absent(nothing_here{job="lab",service=~"a.*"})',
  "absent(up)",
  'absent_over_time(ended_total{job="lab"}[2m])',
  "abs(odd_gauge)",
  "ceil(memory_bytes / 3e6)",
  "round(memory_bytes, 0.3)",
  "round(odd_gauge)",
  "clamp(pool_in_use, 3, 6)",
  "clamp_min(pool_in_use, 4)",
  "clamp_max(pool_in_use, 4)",
  "clamp(pool_in_use, 6, 3)",
  "sgn(odd_gauge)",
  "sqrt(pool_in_use)",
  "ln(pool_in_use) + log2(pool_in_use) + log10(pool_in_use) + exp(pool_in_use)",
  "scalar(sum(pool_in_use))",
  "scalar(pool_in_use)",
  "vector(3)",
  "time() - timestamp(memory_bytes)",
  "pi()",
  "hour() + minute(up)",
  "day_of_week() + day_of_month() + month() + year()",
  'label_replace(up, "short", "$1-x", "service", "(ca).*")',
  'label_replace(up, "service", "", "service", "cart")',
  'label_join(up, "joined", "/", "job", "service")',
  'sum by (revision) (build_info{revision="a\\\\b\\"c\\nd"})',
  "max_over_time(sum by (service) (rate(http_requests_total[1m]))[5m:30s])",
  "avg_over_time(pool_in_use[5m:])",
  "rate(http_requests_total[5m:20s] offset 30s)",
  "pool_in_use @ 1772359800",
  "sum(rate(http_requests_total[2m] @ end()))",
  "sort_desc(memory_bytes)",
  "sum(http_requests_total) by (service) / ignoring (service) group_left () sum(http_requests_total)",
  "(((up)))",
  "up - -up",
  "http_requests_total offset 1m - http_requests_total offset 2m",
];

/** Each of these is refused by both. */
const REFUSED = [
  "rate(up)",
  "up[5m",
  "sum(",
  'up{a=~"("}',
  "1 > 2",
  "up and 1",
  'foo("x")',
  "topk(up)",
  "{}",
  "up[0s]",
  "up * bool up",
  "sum(up) by",
  "",
];

describe.skipIf(lacks(...PROMETHEUS_PROGRAMS))("the evaluator beside a real Prometheus", () => {
  const history = makeHistory();
  const source = sourceOf(history);
  let prometheus: RunningPrometheus;
  beforeAll(async () => {
    prometheus = await startPrometheus({ history: openMetrics(history), interval: "1m" });
  });
  afterAll(() => prometheus?.stop());

  test.each(QUERIES)("answers alike: %s", async (query) => {
    const backend = createPrometheusBackend(prometheus.url, systemClock);
    const node = parsePromql(query);
    for (const offset of [611.3, 940.1, 1_181.7]) {
      const atMs = Math.round((START_SECONDS + offset) * 1_000);
      const theirs = (await backend.query(query, atMs / 1_000, {})).value;
      expect(comparable(evaluate(node, source, { startMs: atMs, endMs: atMs, stepMs: 1 }))).toEqual(comparable(theirs));
    }
    const from = START_SECONDS + 301.1;
    const theirs = (await backend.queryRange(query, { from, to: from + 600 }, 30, {})).value;
    const mine = evaluate(node, source, { startMs: from * 1_000, endMs: (from + 570) * 1_000, stepMs: 30_000 });
    expect(comparable(mine)).toEqual(comparable(theirs));
  });

  test.each(REFUSED)("is refused by both: %s", async (query) => {
    const backend = createPrometheusBackend(prometheus.url, systemClock);
    await expect(backend.query(query, START_SECONDS, {})).rejects.toSatisfy((e) => AppError.is(e, "PROMQL_SYNTAX", "PROM_QUERY_FAILED"));
    expect(() => parsePromql(query)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^PROMQL_/) }));
  });
});

/** Series by their labels, values to ten significant digits, so that a difference reads well. */
function comparable(series: readonly Series[]): Record<string, string[]> {
  const sorted = series.map(
    ({ labels, samples }) =>
      [
        JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))),
        samples.map(
          ([at, value]) =>
            `${(at - START_SECONDS).toFixed(2)}: ${Object.is(value, -0) ? 0 : Number.isFinite(value) ? Number(value.toPrecision(9)) : value}`,
        ),
      ] as const,
  );
  return Object.fromEntries(sorted.sort(([a], [b]) => (a < b ? -1 : 1)));
}
