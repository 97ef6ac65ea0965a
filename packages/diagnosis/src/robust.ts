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
  /** As a standard deviation: the wider of 1.4826 × median absolute deviation and the 10-90 % range / 2.563. */
  readonly scale: number;
}

/** Median and robust scale. The wider of two estimates, because a deviation of zero in half the samples does not mean silence. */
export function spreadOf(values: Iterable<number>): Spread {
  const sorted = ascending(values);
  const center = quantileOfSorted(sorted, 0.5);
  const deviation = medianOf(sorted.map((value) => Math.abs(value - center)));
  const range = quantileOfSorted(sorted, 0.9) - quantileOfSorted(sorted, 0.1);
  return { center, scale: Math.max(1.4826 * deviation, range / 2.563) };
}

export const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
