// Terms. A *reading* is what a check's question answered now. The *baseline* is the value before the incident. *Health* is what is compared
// to tell whether an act made things worse: a snapshot right before it, and now. Pure: the executor asks, this judges.
import { checkInWords, numberInWords } from "./effect.ts";
import type { Check } from "./format.ts";

/** What a check's question answered: one value for each series; empty when there is no data. */
export interface Reading {
  readonly values: readonly number[];
  /** Before the incident; absent when nobody knows. */
  readonly baseline?: number;
}

export interface CheckResult {
  readonly holds: boolean;
  /** What was found beside what is wanted, in words. */
  readonly text: string;
}

/** What a check compares with: from its baseline when there is one, else its value; undefined when it has neither. */
export function boundOf(check: Check, baseline: number | undefined): number | undefined {
  if (check.baseline && baseline !== undefined && Number.isFinite(baseline)) return check.baseline.times * baseline + check.baseline.plus;
  return check.value;
}

/** Pure: does a check hold? Every value has to pass; no data passes only where the check says so. */
export function judgeCheck(check: Check, reading: Reading): CheckResult {
  const words = checkInWords(check);
  const values = reading.values.filter((value) => !Number.isNaN(value));
  if (values.length === 0) return { holds: check.missing === "pass", text: `${words}: no data` };
  const bound = boundOf(check, reading.baseline);
  if (bound === undefined) return { holds: false, text: `${words}: nobody knows the value before` };
  const shown =
    values.length === 1 ? shortNumber(values[0] as number) : `${values.length} series, ${values.map(shortNumber).slice(0, 3).join(", ")}`;
  return { holds: values.every((value) => compare(value, check.op, bound)), text: `${words}: ${shown} against ${shortNumber(bound)}` };
}

function compare(value: number, op: Check["op"], bound: number): boolean {
  switch (op) {
    case "<":
      return value < bound;
    case "<=":
      return value <= bound;
    case ">":
      return value > bound;
    case ">=":
      return value >= bound;
    case "==":
      return value === bound;
  }
}

const shortNumber = (value: number): string => numberInWords(Number(value.toPrecision(4)));

/** The part of a target's health that a person would look at first; a member without data is absent. */
export interface Health {
  /** 1 or 0. */
  readonly up?: number;
  /** 0 to 1. */
  readonly errorRatio?: number;
  /** Seconds. */
  readonly latencyP95?: number;
}

/** How much worse than the snapshot is worse, and not noise. */
const WORSE = { errorRatioPlus: 0.15, latencyTimes: 2, latencyPlusSeconds: 0.5 } as const;

/**
 * Pure: is a target worse than it was right before the act?
 *
 * @returns why, in words; undefined when it is not, or when nobody can tell
 */
export function worseThan(before: Health, now: Health): string | undefined {
  if (before.up === 1 && now.up === 0) return "it was up before the step and is down now";
  const { errorRatio: e0, latencyP95: l0 } = before;
  const { errorRatio: e1, latencyP95: l1 } = now;
  if (e0 !== undefined && e1 !== undefined && e1 > e0 + WORSE.errorRatioPlus)
    return `its error ratio was ${shortNumber(e0)} before the step and is ${shortNumber(e1)} now`;
  if (l0 !== undefined && l1 !== undefined && l1 > Math.max(l0 * WORSE.latencyTimes, l0 + WORSE.latencyPlusSeconds))
    return `its p95 latency was ${shortNumber(l0)} s before the step and is ${shortNumber(l1)} s now`;
  return undefined;
}

/** How far a verification has come. Times in Unix milliseconds. */
export interface Watch {
  readonly startedAt: number;
  /** Since when all checks hold without a break. */
  readonly goodSince?: number;
  /** Since when it is worse without a break. */
  readonly worseSince?: number;
}
export type WatchVerdict = "watching" | "good" | "worse" | "not-better";

/** Right after an act everything is in motion: what looks worse then is not held against it. */
const SETTLE_MS = 20_000;
/** Worse has to last, as good has to. */
const WORSE_FOR_MS = 10_000;

/**
 * Pure: takes one look into account.
 *
 * @param look whether all checks hold now, and whether the target is worse than before the act
 */
export function watch(
  state: Watch,
  now: number,
  look: { readonly allHold: boolean; readonly worse: boolean },
  limits: { readonly soakMs: number; readonly withinMs: number },
): { readonly state: Watch; readonly verdict: WatchVerdict } {
  const settled = now - state.startedAt >= SETTLE_MS;
  const goodSince = look.allHold ? (state.goodSince ?? now) : undefined;
  const worseSince = look.worse && settled ? (state.worseSince ?? now) : undefined;
  const next: Watch = {
    startedAt: state.startedAt,
    ...(goodSince === undefined ? {} : { goodSince }),
    ...(worseSince === undefined ? {} : { worseSince }),
  };
  if (goodSince !== undefined && now - goodSince >= limits.soakMs) return { state: next, verdict: "good" };
  if (worseSince !== undefined && now - worseSince >= WORSE_FOR_MS) return { state: next, verdict: "worse" };
  // A soak that began in time may end after the deadline.
  if (now - state.startedAt >= limits.withinMs + (goodSince === undefined ? 0 : limits.soakMs))
    return { state: next, verdict: "not-better" };
  return { state: next, verdict: "watching" };
}
