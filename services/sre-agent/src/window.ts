import type { DiagnosisWindow } from "@tocsin/diagnosis";

export interface WindowOptions {
  readonly baselineSeconds: number;
  readonly leadSeconds: number;
}

/** A baseline shorter than this, in seconds, is worth giving up some of the lead for. */
const LEAST_BASELINE = 45;

/** How long before the alerting service shows it the trouble may have begun elsewhere. */
const BEFORE_ONSET = 30;

/** What the first answers tell about the window. */
export interface WindowFacts {
  /** Unix seconds of the oldest sample that there is. */
  readonly oldestSampleAt?: number;
  /** Unix seconds since when the services that alert have been off. */
  readonly onsetAt?: number;
  /** Unix seconds of the end of the last incident before this one: what came before it belongs there. */
  readonly earlierUntil?: number;
}

/**
 * Pure: what to look at. The incident begins a little before the services that alert went off, or, where their signals do not show it,
 * `leadSeconds` before the first alert, for rules wait before they fire. When the sources do not reach back far enough for a baseline before
 * that, the incident is taken to begin later, down to the alert itself.
 *
 * @param firstAlertAt Unix seconds
 */
export function chooseWindow(firstAlertAt: number, now: number, options: WindowOptions, facts: WindowFacts = {}): DiagnosisWindow {
  const alertAt = Math.min(firstAlertAt, now);
  const from = alertAt - options.leadSeconds - options.baselineSeconds;
  const { onsetAt, oldestSampleAt, earlierUntil } = facts;
  const latest = Math.min(onsetAt ?? alertAt, alertAt) - 5;
  const begun = onsetAt === undefined ? alertAt - options.leadSeconds : Math.min(onsetAt - BEFORE_ONSET, alertAt);
  const wished = earlierUntil === undefined ? begun : Math.max(begun, Math.min(earlierUntil, latest));
  if (oldestSampleAt === undefined || wished - oldestSampleAt >= LEAST_BASELINE) return { from, splitAt: Math.max(wished, from), to: now };
  return { from, splitAt: Math.min(Math.max(oldestSampleAt + LEAST_BASELINE, wished), Math.max(wished, latest)), to: now };
}
