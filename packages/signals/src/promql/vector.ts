import type { Labels } from "./labels.ts";

/** One sample of an instant vector. */
export interface VectorSample {
  readonly labels: Labels;
  readonly value: number;
  /** When it was taken, Unix milliseconds: what `timestamp()` gives. */
  readonly atMs: number;
}
export type Vector = readonly VectorSample[];
