// Functions over the samples of one series in a window. Stale markers are gone already; NaN values are samples like any other.

/** Samples `lo` (inclusive) to `hi` (exclusive) lie in the window (startMs, endMs]. */
interface RangeWindow {
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly lo: number;
  readonly hi: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** The value of the function, or undefined when the window has too few samples. */
export type RangeFunction = (window: RangeWindow, param: number) => number | undefined;

const at = (array: Float64Array, index: number): number => array[index] as number;

/**
 * Prometheus's `extrapolatedRate`: the change over the samples, counter resets added back, stretched to the edges of the window where
 * the samples come close to them, and for a counter never to before it was zero.
 *
 * @see prometheus/prometheus promql/functions.go, extrapolatedRate (of 2.x; see DECISIONS.md)
 */
function extrapolated(w: RangeWindow, isCounter: boolean, perSecond: boolean): number | undefined {
  const count = w.hi - w.lo;
  if (count < 2) return undefined;
  const first = at(w.values, w.lo);
  const last = at(w.values, w.hi - 1);
  let change = last - first;
  if (isCounter) {
    let previous = first;
    for (let i = w.lo + 1; i < w.hi; i++) {
      const value = at(w.values, i);
      if (value < previous) change += previous;
      previous = value;
    }
  }
  const firstAt = at(w.times, w.lo);
  const lastAt = at(w.times, w.hi - 1);
  const sampled = (lastAt - firstAt) / 1_000;
  const average = sampled / (count - 1);
  const threshold = average * 1.1;
  let toStart = (firstAt - w.startMs) / 1_000;
  let toEnd = (w.endMs - lastAt) / 1_000;
  if (isCounter && change > 0 && first >= 0) toStart = Math.min(toStart, sampled * (first / change));
  if (toStart >= threshold) toStart = average / 2;
  if (toEnd >= threshold) toEnd = average / 2;
  const factor = (sampled + toStart + toEnd) / sampled;
  return perSecond ? (change * factor) / ((w.endMs - w.startMs) / 1_000) : change * factor;
}

function instant(w: RangeWindow, isRate: boolean): number | undefined {
  if (w.hi - w.lo < 2) return undefined;
  const last = at(w.values, w.hi - 1);
  const before = at(w.values, w.hi - 2);
  const change = isRate && last < before ? last : last - before;
  if (!isRate) return change;
  const seconds = (at(w.times, w.hi - 1) - at(w.times, w.hi - 2)) / 1_000;
  return seconds === 0 ? undefined : change / seconds;
}

function fold(w: RangeWindow, start: number, step: (sum: number, value: number, previous: number) => number): number {
  let result = start;
  let previous = at(w.values, w.lo);
  for (let i = w.lo; i < w.hi; i++) {
    const value = at(w.values, i);
    result = step(result, value, previous);
    previous = value;
  }
  return result;
}

/** Least squares over the samples: slope per second and value at `originMs`. */
function regression(w: RangeWindow, originMs: number): { slope: number; intercept: number } {
  const n = w.hi - w.lo;
  let sumX = 0;
  let sumY = 0;
  let sumXY = 0;
  let sumX2 = 0;
  const first = at(w.values, w.lo);
  let constant = true;
  for (let i = w.lo; i < w.hi; i++) {
    const x = (at(w.times, i) - originMs) / 1_000;
    const y = at(w.values, i);
    if (y !== first) constant = false;
    sumX += x;
    sumY += y;
    sumXY += x * y;
    sumX2 += x * x;
  }
  if (constant) return Number.isFinite(first) ? { slope: 0, intercept: first } : { slope: Number.NaN, intercept: Number.NaN };
  const covXY = sumXY - (sumX * sumY) / n;
  const varX = sumX2 - (sumX * sumX) / n;
  const slope = covXY / varX;
  return { slope, intercept: sumY / n - (slope * sumX) / n };
}

/** Population variance, by Welford so that large equal values do not cancel out. */
export function varianceOf(values: Iterable<number>): number {
  let count = 0;
  let mean = 0;
  let squares = 0;
  for (const value of values) {
    count++;
    const delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
  }
  return squares / count;
}

/** Prometheus's quantile: linear between the two nearest ranks; outside [0, 1] an infinity. */
export function quantileOf(q: number, values: readonly number[]): number {
  if (values.length === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  // NaN sorts first, as in Prometheus.
  const sorted = values.toSorted((a, b) => (Number.isNaN(a) ? (Number.isNaN(b) ? 0 : -1) : Number.isNaN(b) ? 1 : a - b));
  const rank = q * (sorted.length - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(sorted.length - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return (sorted[lower] as number) * (1 - weight) + (sorted[upper] as number) * weight;
}

const inWindow = (w: RangeWindow): number[] => Array.from(w.values.subarray(w.lo, w.hi));
const largest = (best: number, value: number) => (value > best || Number.isNaN(best) ? value : best);
const smallest = (best: number, value: number) => (value < best || Number.isNaN(best) ? value : best);

export const RANGE_FUNCTIONS: Readonly<Record<string, RangeFunction>> = {
  rate: (w) => extrapolated(w, true, true),
  increase: (w) => extrapolated(w, true, false),
  delta: (w) => extrapolated(w, false, false),
  irate: (w) => instant(w, true),
  idelta: (w) => instant(w, false),
  deriv: (w) => (w.hi - w.lo < 2 ? undefined : regression(w, at(w.times, w.lo)).slope),
  predict_linear(w, seconds) {
    if (w.hi - w.lo < 2) return undefined;
    const { slope, intercept } = regression(w, w.endMs);
    return slope * seconds + intercept;
  },
  changes: (w) => fold(w, 0, (n, value, previous) => (value !== previous && !(Number.isNaN(value) && Number.isNaN(previous)) ? n + 1 : n)),
  resets: (w) => fold(w, 0, (n, value, previous) => (value < previous ? n + 1 : n)),
  avg_over_time: (w) => fold(w, 0, (sum, value) => sum + value) / (w.hi - w.lo),
  sum_over_time: (w) => fold(w, 0, (sum, value) => sum + value),
  max_over_time: (w) => fold(w, at(w.values, w.lo), largest),
  min_over_time: (w) => fold(w, at(w.values, w.lo), smallest),
  count_over_time: (w) => w.hi - w.lo,
  present_over_time: () => 1,
  last_over_time: (w) => at(w.values, w.hi - 1),
  first_over_time: (w) => at(w.values, w.lo),
  stddev_over_time: (w) => Math.sqrt(varianceOf(w.values.subarray(w.lo, w.hi))),
  stdvar_over_time: (w) => varianceOf(w.values.subarray(w.lo, w.hi)),
  quantile_over_time: (w, q) => quantileOf(q, inWindow(w)),
  mad_over_time(w) {
    const values = inWindow(w);
    const median = quantileOf(0.5, values);
    return quantileOf(
      0.5,
      values.map((value) => Math.abs(value - median)),
    );
  },
};

/** These give a value of the series itself, so its name stays. */
export const KEEPS_NAME: ReadonlySet<string> = new Set(["last_over_time", "first_over_time"]);
