import type { Clock } from "@tocsin/runtime";
import type { MetricsBackend } from "../metrics-backend.ts";
import type { QueryOptions } from "../ports.ts";
import type { PromNode } from "../promql/ast.ts";
import { type EvaluationWindow, evaluate } from "../promql/evaluate.ts";
import { parsePromql } from "../promql/parse.ts";
import { DEFAULT_DEADLINE_MS } from "../source-request.ts";
import type { Scraper } from "./scraper.ts";
import type { SeriesStore } from "./series-store.ts";

const MAX_PARSED = 500;

/** PromQL over the series in memory. */
export function createEmbeddedBackend(store: SeriesStore, scraper: Pick<Scraper, "missing">, clock: Clock): MetricsBackend {
  // A ruler asks the same few queries again and again.
  const parsed = new Map<string, PromNode>();

  function parse(promql: string): PromNode {
    let node = parsed.get(promql);
    if (!node) {
      node = parsePromql(promql);
      if (parsed.size >= MAX_PARSED) parsed.clear();
      parsed.set(promql, node);
    }
    return node;
  }

  const missing = () => {
    const reasons: string[] = [];
    if (scraper.missing !== undefined) reasons.push(scraper.missing);
    const { refusedSeries } = store.stats();
    if (refusedSeries > 0) reasons.push(`EMBEDDED_SERIES_REFUSED: ${refusedSeries} series were not kept, the store is full`);
    return reasons;
  };

  const run = (promql: string, window: EvaluationWindow, options: QueryOptions) => {
    const deadlineAt = performance.now() + (options.deadlineMs ?? DEFAULT_DEADLINE_MS);
    return { value: evaluate(parse(promql), store, window, { deadlineAt }), partial: missing() };
  };

  return {
    async query(promql, atSeconds, options) {
      const atMs = atSeconds === undefined ? clock.now() : atSeconds * 1_000;
      return run(promql, { startMs: atMs, endMs: atMs, stepMs: 1 }, options);
    },
    async queryRange(promql, window, stepSeconds, options) {
      // `to` is exclusive in our windows, so the last step is the last before it.
      const stepMs = Math.max(stepSeconds * 1_000, 1);
      const startMs = window.from * 1_000;
      const steps = Math.max(0, Math.ceil((window.to * 1_000 - startMs) / stepMs) - 1);
      return run(promql, { startMs, endMs: startMs + steps * stepMs, stepMs }, options);
    },
    async existing(metrics) {
      const names = store.metricNames();
      return new Set(metrics.filter((metric) => names.has(metric)));
    },
    async labelNames(metric) {
      return store.labelNames(metric);
    },
    async ping() {},
  };
}
