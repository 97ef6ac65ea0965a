// Terms. The *baseline* is what a series did before the split, the *recent level* what it did last before it. A *deviation* counts robust
// standard deviations away from whichever of the two is nearer, so that neither a drift since the baseline nor one odd minute before the
// incident makes an anomaly. *Strength* is the logarithm of the deviation, so that a tenfold one does not drown all others.
import type { Sample } from "@tocsin/contracts";
import { ascending, clamp, medianOf, quantileOfSorted, spreadOf } from "./robust.ts";
import type { SignalTraits } from "./signal-traits.ts";

export interface AnomalyOptions {
  /** Deviations from which a sample is anomalous. Default 5; less where something else, an alert, already says that it is. */
  readonly threshold?: number;
  /** Fewest samples of a usable baseline. Default 4. */
  readonly leastBaseline?: number;
  /** Count deviations from the recent level alone, where something else already says that there is an anomaly. Default false. */
  readonly isExpected?: boolean;
  /** The recent level is the median of the baseline's last so many seconds. Default 300. */
  readonly recentSeconds?: number;
}

export interface Anomaly {
  readonly direction: "up" | "down";
  /** Unix seconds of the first of the samples that stay away. */
  readonly onsetAt: number;
  /** 1 is at five deviations, each further unit doubles them. 0.15 to 6. */
  readonly strength: number;
  /** Robust standard deviations. */
  readonly deviation: number;
  readonly baseline: number;
  /** The typical value of the worst part of the incident. */
  readonly level: number;
  /** Share of the samples since the onset that are anomalous. */
  readonly persistence: number;
  /** Does it keep rising (or falling) through the incident, as a leak does? */
  readonly isTrend: boolean;
}

const NORMAL_THRESHOLD = 5;
const LEAST_STRENGTH = 0.3;
const MAX_STRENGTH = 6;
/** A series that hardly ever had a value before has no normal state to leave. */
const LEAST_PRESENCE = 0.05;

/**
 * Pure: does the series leave its own baseline after the split, in the direction that hurts?
 *
 * NaN, infinities and values that cannot be (negative rates after a counter reset) are gaps. Too short a baseline gives no answer, for
 * then nothing can be said.
 *
 * @param splitAt Unix seconds; samples before it are the baseline
 */
export function detectAnomaly(
  samples: readonly Sample[],
  splitAt: number,
  traits: SignalTraits,
  options: AnomalyOptions = {},
): Anomaly | undefined {
  const { threshold = NORMAL_THRESHOLD, leastBaseline = 4, recentSeconds = 300, isExpected = false } = options;
  const before: number[] = [];
  const recent: number[] = [];
  const after: Sample[] = [];
  let slots = 0;
  for (const sample of samples) {
    if (sample[0] < splitAt) slots++;
    if (!Number.isFinite(sample[1]) || sample[1] < traits.least) continue;
    if (sample[0] >= splitAt) after.push(sample);
    else {
      before.push(sample[1]);
      if (sample[0] >= splitAt - recentSeconds) recent.push(sample[1]);
    }
  }
  if (after.length === 0 || before.length < Math.max(leastBaseline, LEAST_PRESENCE * slots)) return undefined;

  const spread = spreadOf(before);
  const { center } = spread;
  const floor = Math.max(traits.relativeFloor * Math.abs(center), traits.absoluteFloor);
  const recentLevel = recent.length === 0 ? center : medianOf(recent);
  const deviationOf = (value: number, sign: 1 | -1) =>
    Math.min(isExpected ? Number.POSITIVE_INFINITY : sign * (value - center), sign * (value - recentLevel)) /
    Math.max(sign > 0 ? spread.up : spread.down, floor);
  const up = traits.bad === "down" ? undefined : judge(after, (value) => deviationOf(value, 1), threshold);
  const down = traits.bad === "up" ? undefined : judge(after, (value) => deviationOf(value, -1), threshold);
  const worst = up && down ? (up.deviation >= down.deviation ? up : down) : (up ?? down);
  if (!worst) return undefined;
  return {
    direction: worst === up ? "up" : "down",
    onsetAt: worst.onsetAt,
    strength: clamp(1 + Math.log2(worst.deviation / NORMAL_THRESHOLD), LEAST_STRENGTH, MAX_STRENGTH) * (0.5 + 0.5 * worst.persistence),
    deviation: worst.deviation,
    baseline: isExpected ? recentLevel : center,
    level: worst.level,
    persistence: worst.persistence,
    isTrend: isTrend(after, worst === up ? 1 : -1),
  };
}

interface Judged {
  readonly onsetAt: number;
  readonly deviation: number;
  readonly level: number;
  readonly persistence: number;
}

/** Of few samples the worst third counts, of many the worst fifth: trouble that has only begun is no less trouble. */
const worstOf = (count: number): number => Math.max(1, Math.ceil(count / (count < 12 ? 3 : 5)));

/** Fewest samples of an incident of which the latest two speak for themselves. */
const LATEST_FROM = 6;

/** What the latest two samples agree on: an incident is looked at while it lasts, often when it has only just begun. */
function latestOf(deviations: readonly number[]): number {
  if (deviations.length < LATEST_FROM) return Number.NEGATIVE_INFINITY;
  return Math.min(deviations.at(-1) as number, deviations.at(-2) as number);
}

/** The deviation of the worst of them, and since when the samples stay away. */
function judge(after: readonly Sample[], deviationOf: (value: number) => number, threshold: number): Judged | undefined {
  const deviations = after.map(([, value]) => deviationOf(value));
  const sorted = ascending(deviations);
  const worst = quantileOfSorted(sorted.slice(-worstOf(sorted.length)), 0.5);
  const deviation = Math.max(worst, latestOf(deviations));
  if (!(deviation >= threshold)) return undefined;
  const onset = deviations.findIndex((value, index) => {
    if (value < threshold) return false;
    const next = deviations.slice(index, index + 4);
    return next.filter((each) => each >= threshold).length * 2 >= next.length;
  });
  const from = onset < 0 ? deviations.findIndex((value) => value >= threshold) : onset;
  const since = deviations.slice(from);
  return {
    onsetAt: (after[from] as Sample)[0],
    deviation,
    level: medianOf(after.map(([, value]) => value).filter((_, index) => (deviations[index] as number) >= deviation)),
    persistence: since.filter((value) => value >= threshold).length / since.length,
  };
}

/** Do at least three in four of the steps go the same way, over at least four samples? */
function isTrend(after: readonly Sample[], sign: 1 | -1): boolean {
  if (after.length < 4) return false;
  let along = 0;
  for (let i = 1; i < after.length; i++) if (sign * ((after[i] as Sample)[1] - (after[i - 1] as Sample)[1]) > 0) along++;
  return along / (after.length - 1) >= 0.75;
}

/**
 * Pure: was the service unreachable? `up` is judged by itself, since 0 is bad whatever the baseline says: at least two samples in the last
 * part of the incident, or half of all of it.
 */
export function detectDown(samples: readonly Sample[], splitAt: number): Anomaly | undefined {
  const after = samples.filter(([at, value]) => at >= splitAt && Number.isFinite(value));
  const downs = after.filter(([, value]) => value < 0.5);
  const first = downs[0];
  if (!first || (downs.length < 2 && after.length > 1)) return undefined;
  const since = after.filter(([at]) => at >= first[0]);
  const persistence = downs.length / since.length;
  return {
    direction: "down",
    onsetAt: first[0],
    strength: clamp(2 + 4 * persistence, 0, MAX_STRENGTH),
    deviation: downs.length,
    baseline: 1,
    level: 0,
    persistence,
    isTrend: false,
  };
}

/** From this many starts on it is a loop: a release, a rollback or a restart is one start, sometimes two. */
const LOOP_STARTS = 2;
/** Longest time from one start to the next within a loop, in seconds. */
const LOOP_SECONDS = 60;

/**
 * Pure: does the service start again and again? Its signal counts the starts of the last minutes, so its level tells of the past; only where it
 * rises has something started. A single start is how a service is released or mended.
 */
export function detectRestarts(samples: readonly Sample[], splitAt: number): Anomaly | undefined {
  let starts = 0;
  let onsetAt: number | undefined;
  let lastAt = 0;
  let previous: Sample | undefined;
  for (const sample of samples) {
    const [at, value] = sample;
    if (!Number.isFinite(value) || value < 0) continue;
    const rise = previous === undefined ? 0 : Math.round(value - previous[1]);
    if (rise > 0 && at >= splitAt) {
      if (onsetAt === undefined || at - lastAt > LOOP_SECONDS) {
        onsetAt = at;
        starts = 0;
      }
      starts += rise;
      lastAt = at;
    }
    previous = sample;
  }
  if (onsetAt === undefined || previous === undefined || starts < LOOP_STARTS || previous[0] - lastAt > LOOP_SECONDS) return undefined;
  return {
    direction: "up",
    onsetAt,
    strength: clamp(1 + Math.log2(starts), 0, MAX_STRENGTH),
    deviation: starts,
    baseline: 0,
    level: starts,
    persistence: 1,
    isTrend: false,
  };
}
