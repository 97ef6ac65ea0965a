// Twenty minutes of made-up metrics, the same for the embedded evaluator and for a real Prometheus: counters that reset, start late, end
// early and miss scrapes, noisy gauges, NaN, classic histograms. A seeded generator, so that a difference can be looked at again.
import type { LabelSet } from "@tocsin/contracts";
import { Labels } from "../../src/promql/labels.ts";
import { compileMatcher, type LabelMatcher } from "../../src/promql/matcher.ts";
import type { SeriesSource, StoredSeries } from "../../src/promql/series-source.ts";

export const START_SECONDS = Date.parse("2026-03-01T10:00:00Z") / 1_000;
const STEP_SECONDS = 15;
const STEPS = 80;

export interface HistorySeries {
  readonly labels: LabelSet & { readonly __name__: string };
  readonly samples: readonly (readonly [seconds: number, value: number])[];
}

/** A number in [0, 1) from a seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** @param valueAt the value at a step, or undefined for a missed scrape */
function series(name: string, labels: LabelSet, valueAt: (step: number) => number | undefined): HistorySeries {
  const samples: (readonly [number, number])[] = [];
  for (let step = 0; step < STEPS; step++) {
    const value = valueAt(step);
    if (value !== undefined) samples.push([START_SECONDS + step * STEP_SECONDS + 0.037, value]);
  }
  return { labels: { __name__: name, ...labels }, samples };
}

export function makeHistory(seed = 42): HistorySeries[] {
  const random = generator(seed);
  const counter = (perStep: number, from = 0, to = STEPS, resetAt = -1, missed = 0.03) => {
    let value = 0;
    return (step: number) => {
      value = step === resetAt ? 0 : value + Math.round(perStep * (0.5 + random()));
      return step < from || step >= to || random() < missed ? undefined : value;
    };
  };
  const all: HistorySeries[] = [];
  for (const [index, service] of ["cart", "payments", "catalog"].entries()) {
    const own = { job: "lab", service, instance: `${service}:80` };
    for (const code of ["200", "404", "500"])
      for (const method of ["GET", "POST"])
        all.push(
          series(
            "http_requests_total",
            { ...own, code, method },
            counter(code === "200" ? 150 : 5, code === "500" ? 20 * index : 0, STEPS, index === 0 ? 55 : -1),
          ),
        );
    const buckets = [0.05, 0.1, 0.25, 0.5, 1, Number.POSITIVE_INFINITY];
    const counts = buckets.map(() => 0);
    const perStep = Array.from({ length: STEPS }, () => {
      for (let n = 0; n < 20; n++) {
        const latency = -Math.log(1 - random()) * 0.1 * (index + 1);
        buckets.forEach((bound, i) => {
          if (latency <= bound) counts[i] = (counts[i] ?? 0) + 1;
        });
      }
      return [...counts];
    });
    buckets.forEach((bound, i) => {
      const le = bound === Number.POSITIVE_INFINITY ? "+Inf" : String(bound);
      all.push(series("latency_seconds_bucket", { ...own, le }, (step) => perStep[step]?.[i]));
    });
    all.push(series("memory_bytes", own, (step) => (random() < 0.05 ? undefined : 1e8 + step * 1e5 * index + random() * 1e6)));
    all.push(series("pool_in_use", { ...own, pool: "db" }, (step) => Math.round(5 + 4 * Math.sin(step / 7 + index))));
    all.push(series("pool_size", { ...own, pool: "db" }, () => 10));
    all.push(series("build_info", { ...own, version: `1.${index}.0`, revision: 'a\\b"c\nd' }, () => 1));
    all.push(series("up", own, (step) => (index === 1 && step > 60 && step < 64 ? 0 : 1)));
  }
  all.push(series("ended_total", { job: "lab" }, counter(10, 0, 30)));
  all.push(series("late_total", { job: "lab" }, counter(10, 62, STEPS, -1, 0)));
  all.push(series("odd_gauge", { job: "lab", kind: "nan" }, (step) => (step % 9 === 4 ? Number.NaN : step % 5)));
  all.push(series("odd_gauge", { job: "lab", kind: "negative" }, (step) => 3 - (step % 7)));
  all.push(series("odd_gauge", { job: "lab", kind: "inf" }, (step) => (step % 20 === 3 ? Number.POSITIVE_INFINITY : 1)));
  return all;
}

/** As OpenMetrics text with timestamps: what promtool makes blocks of. */
export function openMetrics(history: readonly HistorySeries[]): string {
  const escaped = (value: string) => value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  const number = (value: number) => (Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : "+Inf");
  const byName = history.toSorted((a, b) => (a.labels.__name__ < b.labels.__name__ ? -1 : 1));
  const lines = byName.flatMap(({ labels: { __name__, ...labels }, samples }) => {
    const inner = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
    return samples.map(([seconds, value]) => `${__name__}{${inner.join(",")}} ${number(value)} ${seconds.toFixed(3)}`);
  });
  return `${lines.join("\n")}\n# EOF\n`;
}

/** As a source for the evaluator. */
export function sourceOf(history: readonly HistorySeries[]): SeriesSource {
  const stored = history.map(({ labels, samples }) => ({ labels: Labels.of(labels), samples }));
  return {
    select(matchers: readonly LabelMatcher[], fromMs: number, toMs: number): StoredSeries[] {
      const tests = matchers.map((matcher) => ({ name: matcher.name, test: compileMatcher(matcher) }));
      return stored
        .filter(({ labels }) => tests.every(({ name, test }) => test(labels.get(name))))
        .map(({ labels, samples }) => {
          const inside = samples.map(([s, v]) => [Math.round(s * 1_000), v] as const).filter(([ms]) => ms > fromMs && ms <= toMs);
          return { labels, times: Float64Array.from(inside, ([ms]) => ms), values: Float64Array.from(inside, ([, v]) => v) };
        });
    },
  };
}
