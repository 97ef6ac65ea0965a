import { type LabelBook, type Labels, METRIC_NAME } from "./labels.ts";
import { parseNumber } from "./literals.ts";
import type { Vector } from "./vector.ts";

interface Bucket {
  readonly upperBound: number;
  count: number;
}

const HIDDEN = [METRIC_NAME, "le"];

/** `histogram_quantile` over classic buckets: one value per label set without `le`. */
export function histogramQuantile(q: number, vector: Vector, book: LabelBook, atMs: number): Vector {
  const groups = new Map<Labels, Bucket[]>();
  for (const sample of vector) {
    const upperBound = parseNumber(sample.labels.get("le"));
    if (upperBound === undefined || Number.isNaN(upperBound)) continue;
    const labels = book.drop(sample.labels, HIDDEN);
    const buckets = groups.get(labels);
    if (buckets) buckets.push({ upperBound, count: sample.value });
    else groups.set(labels, [{ upperBound, count: sample.value }]);
  }
  return [...groups].map(([labels, buckets]) => ({ labels, value: bucketQuantile(q, buckets), atMs }));
}

/**
 * @returns the value below which the share `q` of the observations lies, linear inside a bucket; NaN without observations
 * @see prometheus/prometheus promql/quantile.go, bucketQuantile
 */
function bucketQuantile(q: number, unsorted: readonly Bucket[]): number {
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const buckets: Bucket[] = [];
  for (const bucket of unsorted.toSorted((a, b) => a.upperBound - b.upperBound)) {
    const last = buckets[buckets.length - 1];
    if (last && last.upperBound === bucket.upperBound) last.count += bucket.count;
    else buckets.push({ ...bucket });
  }
  const top = buckets[buckets.length - 1];
  if (!top || top.upperBound !== Number.POSITIVE_INFINITY || buckets.length < 2) return Number.NaN;
  // Scrapes and rates are not atomic over buckets; a bucket never holds less than a narrower one.
  let most = Number.NEGATIVE_INFINITY;
  for (const bucket of buckets) {
    if (bucket.count > most) most = bucket.count;
    else bucket.count = most;
  }
  const observations = top.count;
  if (observations === 0 || Number.isNaN(observations)) return Number.NaN;
  const rank = q * observations;
  let index = buckets.findIndex((bucket, i) => i < buckets.length - 1 && bucket.count >= rank);
  if (index < 0) index = buckets.length - 1;
  const bucket = buckets[index] as Bucket;
  if (index === buckets.length - 1) return (buckets[index - 1] as Bucket).upperBound;
  if (index === 0 && bucket.upperBound <= 0) return bucket.upperBound;
  const below = index > 0 ? (buckets[index - 1] as Bucket) : { upperBound: 0, count: 0 };
  const inBucket = bucket.count - below.count;
  return below.upperBound + (bucket.upperBound - below.upperBound) * ((rank - below.count) / inBucket);
}
