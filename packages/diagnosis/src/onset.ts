import type { SignalSeries } from "@tocsin/contracts";
import { detectAnomaly, detectDown } from "./anomaly.ts";
import { SIGNAL_TRAITS } from "./signal-traits.ts";

/** The first part of the time before the alert that is taken for quiet when nothing else is known. */
const QUIET_SHARE = 0.4;
/** From the onset to the alert this share of the samples has to be off: less is a blip that happened to come before. */
const PERSISTENT = 0.7;

/**
 * Pure: since when the services that alert have been off, told from their own signals. Rules wait before they fire, from seconds to an hour:
 * the alert's time alone says little about when the trouble began.
 *
 * @param from Unix seconds of the first sample to look at
 * @param alertAt Unix seconds of the first alert
 * @returns Unix seconds, or undefined when no signal of theirs shows it
 */
export function estimateOnset(
  series: readonly SignalSeries[],
  alerting: ReadonlySet<string>,
  from: number,
  alertAt: number,
): number | undefined {
  const quietUntil = from + QUIET_SHARE * (alertAt - from);
  let onset: number | undefined;
  for (const { service, signal, samples } of series) {
    if (!alerting.has(service) || signal === "request_rate" || signal === "restarts") continue;
    const seen = samples.filter(([at]) => at >= from && at <= alertAt);
    const anomaly = signal === "up" ? detectDown(seen, quietUntil) : detectAnomaly(seen, quietUntil, SIGNAL_TRAITS[signal]);
    if (!anomaly || anomaly.persistence < PERSISTENT) continue;
    if (onset === undefined || anomaly.onsetAt < onset) onset = anomaly.onsetAt;
  }
  return onset;
}
