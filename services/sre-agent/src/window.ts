import type { DiagnosisWindow } from "@tocsin/diagnosis";

export interface WindowOptions {
  readonly baselineSeconds: number;
  readonly leadSeconds: number;
}

/** A baseline shorter than this, in seconds, is worth giving up some of the lead for. */
const LEAST_BASELINE = 45;

/**
 * Pure: what to look at. The incident begins `leadSeconds` before the first alert, for rules wait before they fire. When the sources do not
 * reach back far enough for a baseline before that, the incident is taken to begin later, down to the alert itself.
 *
 * @param firstAlertAt Unix seconds
 * @param oldestSampleAt Unix seconds of the oldest sample there is, once known
 */
export function chooseWindow(firstAlertAt: number, now: number, options: WindowOptions, oldestSampleAt?: number): DiagnosisWindow {
  const alertAt = Math.min(firstAlertAt, now);
  const wished = alertAt - options.leadSeconds;
  const from = wished - options.baselineSeconds;
  if (oldestSampleAt === undefined || wished - oldestSampleAt >= LEAST_BASELINE) return { from, splitAt: wished, to: now };
  const splitAt = Math.min(Math.max(oldestSampleAt + LEAST_BASELINE, wished), Math.max(wished, alertAt - 5));
  return { from, splitAt, to: now };
}
