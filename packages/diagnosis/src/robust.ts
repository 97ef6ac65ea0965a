// Order statistics that one wild sample cannot move.

/** The q-quantile of ascending values, interpolated; NaN of none. */
export function quantileOfSorted(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}

export const ascending = (values: Iterable<number>): Float64Array => Float64Array.from(values).sort();

/** NaN of none. */
export const medianOf = (values: Iterable<number>): number => quantileOfSorted(ascending(values), 0.5);

export interface Spread {
  readonly center: number;
  /** As standard deviations, upwards and downwards. */
  readonly up: number;
  readonly down: number;
}

/** From this many values on, the tails are known well enough to count. */
const TAIL_COUNT = 50;
/** What lies at the 98 % quantile counts as this many deviations: what happens once in fifty samples is nothing new. */
const TAIL_DEVIATIONS = 4;

/**
 * Median and robust scale: the widest of 1.4826 × median absolute deviation, the 10-90 % range / 2.563, and the tail on that side. The
 * widest, because a deviation of zero in half of the samples does not mean silence, and a long tail does not mean trouble.
 */
export function spreadOf(values: Iterable<number>): Spread {
  const sorted = ascending(values);
  const center = quantileOfSorted(sorted, 0.5);
  const deviation = medianOf(sorted.map((value) => Math.abs(value - center)));
  const range = quantileOfSorted(sorted, 0.9) - quantileOfSorted(sorted, 0.1);
  const scale = Math.max(1.4826 * deviation, range / 2.563);
  if (sorted.length < TAIL_COUNT) return { center, up: scale, down: scale };
  return {
    center,
    up: Math.max(scale, (quantileOfSorted(sorted, 0.98) - center) / TAIL_DEVIATIONS),
    down: Math.max(scale, (center - quantileOfSorted(sorted, 0.02)) / TAIL_DEVIATIONS),
  };
}

export const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
