import type { Labels } from "./labels.ts";
import type { LabelMatcher } from "./matcher.ts";

/** Samples of one series, in ascending time. */
export interface StoredSeries {
  readonly labels: Labels;
  /** Unix milliseconds. */
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** 1 where the sample is no value but says that the series ended; absent when none does. */
  readonly stale?: Uint8Array;
}

/** Where the evaluator reads. */
export interface SeriesSource {
  /** The series that match, each with its samples in (fromMs, toMs]; a series without one may be left out. */
  select(matchers: readonly LabelMatcher[], fromMs: number, toMs: number): readonly StoredSeries[];
}
