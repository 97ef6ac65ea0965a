// The evaluator. A query over a window is evaluated step by step, as Prometheus does; what every step shares (which series match, which
// labels a grouping leaves) is found once. Windows are open to the left, (t - range, t], as in Prometheus 3.
import type { Series } from "@tocsin/contracts";
import { promqlBudget } from "../errors.ts";
import { aggregate } from "./aggregate.ts";
import {
  type CallNode,
  childrenOf,
  type MatrixNode,
  type PromNode,
  SET_OPERATORS,
  type SelectorNode,
  type SubqueryNode,
  type TimeShift,
  unwrap,
} from "./ast.ts";
import { scalarScalar, setOperation, vectorScalar, vectorVector } from "./binary.ts";
import { histogramQuantile } from "./histogram.ts";
import { CALENDAR, VALUE_FUNCTIONS } from "./instant-functions.ts";
import { labelJoin, labelReplace, labelsOfAbsence, refuseDuplicates } from "./label-functions.ts";
import { LabelBook, Labels } from "./labels.ts";
import { KEEPS_NAME, RANGE_FUNCTIONS } from "./range-functions.ts";
import type { SeriesSource, StoredSeries } from "./series-source.ts";
import { isSelecting } from "./signatures.ts";
import type { Vector, VectorSample } from "./vector.ts";

export interface EvaluationOptions {
  /** How far an instant selector looks back, in milliseconds. Default 5 minutes. */
  readonly lookbackMs?: number;
  /** Most samples read for one query. Default 10 million. */
  readonly maxSamples?: number;
  /** `performance.now()` after which evaluation gives up. */
  readonly deadlineAt?: number;
}

/** Unix milliseconds; both ends are evaluated. An instant query has `startMs === endMs`. */
export interface EvaluationWindow {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

const MAX_POINTS = 11_000;
const DEFAULT_LOOKBACK_MS = 300_000;
const DEFAULT_SUBQUERY_STEP_MS = 60_000;
const DEFAULT_MAX_SAMPLES = 10_000_000;

type Value = number | string | Vector;

/**
 * Evaluates a parsed query at every step of a window.
 *
 * @returns series with times in Unix seconds; a scalar is one series without labels
 * @throws AppError `PROMQL_EXECUTION` (e.g. many-to-many matching) and `PROMQL_BUDGET` (too many points, samples or too long)
 */
export function evaluate(node: PromNode, source: SeriesSource, window: EvaluationWindow, options: EvaluationOptions = {}): Series[] {
  const points = Math.floor((window.endMs - window.startMs) / window.stepMs) + 1;
  if (!(points <= MAX_POINTS)) throw promqlBudget(`more than ${MAX_POINTS} points per series; ask for a longer step`);
  const evaluation = new Evaluation(source, window, options);
  evaluation.load(node, window.startMs, window.endMs);
  const rows = new Map<Labels, { atSeconds: number; value: number }[]>();
  for (let i = 0; i < points; i++) {
    const tMs = window.startMs + i * window.stepMs;
    const value = evaluation.at(node, tMs);
    const vector = typeof value === "number" ? [{ labels: Labels.EMPTY, value, atMs: tMs }] : typeof value === "string" ? [] : value;
    for (const sample of refuseDuplicates(vector, "result")) {
      const labels = evaluation.book.intern(sample.labels);
      const row = rows.get(labels);
      if (row) row.push({ atSeconds: tMs / 1_000, value: sample.value });
      else rows.set(labels, [{ atSeconds: tMs / 1_000, value: sample.value }]);
    }
  }
  return [...rows].map(([labels, samples]) => ({
    labels: labels.toSet(),
    samples: samples.map(({ atSeconds, value }) => [atSeconds, value] as const),
  }));
}

class Evaluation {
  readonly book = new LabelBook();
  private readonly source: SeriesSource;
  private readonly window: EvaluationWindow;
  private readonly options: EvaluationOptions;
  private readonly lookbackMs: number;
  private readonly loaded = new Map<PromNode, readonly StoredSeries[]>();
  private samplesRead = 0;

  constructor(source: SeriesSource, window: EvaluationWindow, options: EvaluationOptions) {
    this.source = source;
    this.window = window;
    this.options = options;
    this.lookbackMs = options.lookbackMs ?? DEFAULT_LOOKBACK_MS;
  }

  /** Reads what the node needs to be evaluated anywhere between the two times. */
  load(node: PromNode, firstMs: number, lastMs: number): void {
    if (node.kind === "selector" || node.kind === "matrix") {
      const rangeMs = node.kind === "matrix" ? node.rangeMs : this.lookbackMs;
      const series = this.source.select(node.matchers, this.shifted(node.shift, firstMs) - rangeMs, this.shifted(node.shift, lastMs));
      for (const one of series) this.count(one.times.length);
      this.loaded.set(
        node,
        series.map((one) => ({ ...(node.kind === "matrix" ? withoutStale(one) : one), labels: this.book.intern(one.labels) })),
      );
    } else if (node.kind === "subquery") {
      this.loadSubquery(node, firstMs, lastMs);
    } else {
      for (const child of childrenOf(node)) this.load(child, firstMs, lastMs);
    }
  }

  /** A subquery is evaluated once over all it spans, at multiples of its step, and then read like stored samples. */
  private loadSubquery(node: SubqueryNode, firstMs: number, lastMs: number): void {
    const stepMs = node.stepMs ?? DEFAULT_SUBQUERY_STEP_MS;
    const from = this.shifted(node.shift, firstMs) - node.rangeMs;
    const to = this.shifted(node.shift, lastMs);
    const start = (Math.floor(from / stepMs) + 1) * stepMs;
    if ((to - start) / stepMs > MAX_POINTS) throw promqlBudget(`a subquery of more than ${MAX_POINTS} steps`);
    this.load(node.inner, start, to);
    const rows = new Map<Labels, VectorSample[]>();
    for (let tMs = start; tMs <= to; tMs += stepMs) {
      for (const sample of this.vector(node.inner, tMs)) {
        const row = rows.get(sample.labels);
        if (row) row.push({ ...sample, atMs: tMs });
        else rows.set(sample.labels, [{ ...sample, atMs: tMs }]);
      }
    }
    const series = [...rows].map(([labels, row]) => ({
      labels,
      times: Float64Array.from(row, (sample) => sample.atMs),
      values: Float64Array.from(row, (sample) => sample.value),
    }));
    for (const one of series) this.count(one.times.length);
    this.loaded.set(node, series);
  }

  at(node: PromNode, tMs: number): Value {
    switch (node.kind) {
      case "number":
      case "string":
        return node.value;
      case "paren":
        return this.at(node.inner, tMs);
      case "selector":
        return this.select(node, tMs);
      case "negate": {
        const value = this.at(node.inner, tMs);
        if (typeof value === "number") return -value;
        return (value as Vector).map((sample) => ({ ...sample, labels: this.book.dropName(sample.labels), value: -sample.value }));
      }
      case "aggregate": {
        const param = node.param ? this.at(node.param, tMs) : Number.NaN;
        const made = aggregate(node, param as number | string, this.vector(node.inner, tMs), this.book, tMs);
        return isSelecting(node.op) ? made : refuseDuplicates(made, node.op);
      }
      case "binary": {
        const left = this.at(node.left, tMs);
        const right = this.at(node.right, tMs);
        if (typeof left === "number" && typeof right === "number") return scalarScalar(node.op, left, right);
        if (typeof left === "number") return vectorScalar(node, right as Vector, left, true, this.book);
        if (typeof right === "number") return vectorScalar(node, left as Vector, right, false, this.book);
        if (SET_OPERATORS.has(node.op)) return setOperation(node.op, left as Vector, right as Vector, node.matching, this.book);
        return vectorVector(node, left as Vector, right as Vector, this.book);
      }
      case "call":
        return this.call(node, tMs);
      case "matrix":
      case "subquery":
        // Types were checked: a range vector stands only where a range function reads it.
        return [];
    }
  }

  private call(node: CallNode, tMs: number): Value {
    const { name, args } = node;
    const [first, ...rest] = args;
    if (name === "time") return tMs / 1_000;
    if (name === "pi") return Math.PI;
    if (CALENDAR.has(name) && !first) return this.mapped(name, [{ labels: Labels.EMPTY, value: tMs / 1_000, atMs: tMs }], []);
    if (!first) return [];
    if (name === "vector") return [{ labels: Labels.EMPTY, value: this.scalar(first, tMs), atMs: tMs }];
    if (name === "histogram_quantile") {
      const buckets = this.vector(rest[0] as PromNode, tMs);
      return histogramQuantile(this.scalar(first, tMs), buckets, this.book, tMs);
    }
    const rangeArg = args.map(unwrap).find((arg) => arg.kind === "matrix" || arg.kind === "subquery");
    if (rangeArg) return this.overRange(name, rangeArg, args, tMs);
    const vector = this.vector(first, tMs);
    const texts = () => rest.map((arg) => this.at(arg, tMs) as string);
    switch (name) {
      case "scalar":
        return vector.length === 1 ? (vector[0] as VectorSample).value : Number.NaN;
      case "absent":
        return vector.length > 0 ? [] : [{ labels: this.labelsOfAbsence(first), value: 1, atMs: tMs }];
      case "timestamp":
        return vector.map((sample) => ({ ...sample, labels: this.book.dropName(sample.labels), value: sample.atMs / 1_000 }));
      case "sort":
        return vector.toSorted((a, b) => compareNumbers(a.value, b.value));
      case "sort_desc":
        return vector.toSorted((a, b) => compareNumbers(b.value, a.value));
      case "label_replace":
        return labelReplace(vector, texts(), this.book);
      case "label_join":
        return labelJoin(vector, texts(), this.book);
      default: {
        const params = rest.map((arg) => this.scalar(arg, tMs));
        if (name === "clamp" && (params[0] as number) > (params[1] as number)) return [];
        return this.mapped(name, vector, params);
      }
    }
  }

  private mapped(name: string, vector: Vector, params: readonly number[]): Vector {
    const compute = VALUE_FUNCTIONS[name] as (value: number, params: readonly number[]) => number;
    return refuseDuplicates(
      vector.map((sample) => ({ ...sample, labels: this.book.dropName(sample.labels), value: compute(sample.value, params) })),
      `${name}()`,
    );
  }

  private overRange(name: string, range: MatrixNode | SubqueryNode, args: readonly PromNode[], tMs: number): Vector {
    const other = args.find((arg) => unwrap(arg) !== range);
    const param = other ? this.scalar(other, tMs) : Number.NaN;
    const endMs = this.shifted(range.shift, tMs);
    const startMs = endMs - range.rangeMs;
    const compute = RANGE_FUNCTIONS[name];
    const result: VectorSample[] = [];
    this.checkDeadline();
    for (const { labels, times, values } of this.loaded.get(range) ?? []) {
      const lo = firstAfter(times, startMs);
      const hi = firstAfter(times, endMs);
      if (hi === lo) continue;
      const value = compute ? compute({ times, values, lo, hi, startMs, endMs }, param) : 1;
      if (value !== undefined) result.push({ labels: KEEPS_NAME.has(name) ? labels : this.book.dropName(labels), value, atMs: tMs });
    }
    if (name === "absent_over_time") return result.length > 0 ? [] : [{ labels: this.labelsOfAbsence(range), value: 1, atMs: tMs }];
    return refuseDuplicates(result, `${name}()`);
  }

  /** The newest sample of each series inside the lookback, unless it says that the series ended. */
  private select(node: SelectorNode, tMs: number): Vector {
    const untilMs = this.shifted(node.shift, tMs);
    const result: VectorSample[] = [];
    this.checkDeadline();
    for (const { labels, times, values, stale } of this.loaded.get(node) ?? []) {
      const index = firstAfter(times, untilMs) - 1;
      if (index < 0 || stale?.[index] === 1) continue;
      const sampledAt = times[index] as number;
      if (sampledAt > untilMs - this.lookbackMs) result.push({ labels, value: values[index] as number, atMs: sampledAt });
    }
    return result;
  }

  private labelsOfAbsence(arg: PromNode): Labels {
    const inner = unwrap(arg);
    return inner.kind === "selector" || inner.kind === "matrix" ? labelsOfAbsence(inner.matchers) : Labels.EMPTY;
  }

  private vector(node: PromNode, tMs: number): Vector {
    return this.at(node, tMs) as Vector;
  }

  private scalar(node: PromNode, tMs: number): number {
    return this.at(node, tMs) as number;
  }

  private shifted(shift: TimeShift, tMs: number): number {
    const base =
      shift.at === undefined ? tMs : shift.at === "start" ? this.window.startMs : shift.at === "end" ? this.window.endMs : shift.at;
    return base - shift.offsetMs;
  }

  private count(samples: number): void {
    this.samplesRead += samples;
    const most = this.options.maxSamples ?? DEFAULT_MAX_SAMPLES;
    if (this.samplesRead > most) throw promqlBudget(`the query reads more than ${most} samples`);
    this.checkDeadline();
  }

  private checkDeadline(): void {
    const { deadlineAt } = this.options;
    if (deadlineAt !== undefined && performance.now() > deadlineAt) throw promqlBudget("the query took longer than its deadline");
  }
}

/** Index of the first time after `tMs`; the length when there is none. */
function firstAfter(times: Float64Array, tMs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) > tMs) high = middle;
    else low = middle + 1;
  }
  return low;
}

function withoutStale(series: StoredSeries): StoredSeries {
  const { stale } = series;
  if (!stale?.includes(1)) return series;
  const kept = (_: number, index: number) => stale[index] !== 1;
  return { labels: series.labels, times: series.times.filter(kept), values: series.values.filter(kept) };
}

/** NaN goes last. */
const compareNumbers = (a: number, b: number): number => (Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : a - b);
