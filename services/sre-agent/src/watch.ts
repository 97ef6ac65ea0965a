// Terms. A *watch* is one signal that was wrong at the cause, with the level below (or above) which it counts as back. All watches together
// with the alerts say whether an incident is over.
import type { SignalName } from "@tocsin/contracts";
import { type DiagnosisDetails, figure, SIGNAL_TRAITS } from "@tocsin/diagnosis";

export interface Watch {
  readonly service: string;
  readonly signal: SignalName;
  readonly direction: "up" | "down";
  readonly baseline: number;
  /** Back when not beyond this. */
  readonly limit: number;
}

/** What stays of the way from the baseline to the worst and still counts as back. */
const SLACK = 0.35;
/** Signals without a level to come back to: they come and go, count over minutes, or say nothing about health. */
export const WITHOUT_LEVEL: ReadonlySet<SignalName> = new Set(["up", "restarts", "oom_kills", "request_rate"]);

/** Pure: what to watch once something was done about the best cause. Being reachable always is. */
export function watchesOf(details: Pick<DiagnosisDetails, "ranking">): Watch[] {
  const top = details.ranking[0];
  if (!top) return [];
  const watches: Watch[] = [{ service: top.service, signal: "up", direction: "down", baseline: 1, limit: 0.5 }];
  for (const { findings } of top.contributions) {
    for (const { source } of findings) {
      if (source.kind !== "metric" || WITHOUT_LEVEL.has(source.series.signal)) continue;
      const { baseline, level, direction } = source.anomaly;
      const traits = SIGNAL_TRAITS[source.series.signal];
      const room = Math.max(SLACK * Math.abs(level - baseline), traits.absoluteFloor, traits.relativeFloor * Math.abs(baseline));
      const limit = direction === "up" ? baseline + room : baseline - room;
      watches.push({ service: source.series.service, signal: source.series.signal, direction, baseline, limit });
    }
  }
  return watches;
}

export interface WatchResult {
  readonly watch: Watch;
  /** Absent when the source gave no value. */
  readonly value: number | undefined;
  readonly isBack: boolean;
  readonly text: string;
}

/**
 * Pure: is the signal back? No value is no sign of illness (no traffic, no latency), except for `up`, which has to be seen.
 *
 * @param isAnswering whether the source as a whole answers; when it does not, nothing can be held against the service
 */
export function judgeWatch(watch: Watch, value: number | undefined, isAnswering: boolean): WatchResult {
  const { service, signal, direction, limit, baseline } = watch;
  const { unit, words } = SIGNAL_TRAITS[signal];
  if (value === undefined || !Number.isFinite(value)) {
    const isBack = signal !== "up" || !isAnswering;
    return { watch, value: undefined, isBack, text: `${service}: ${words} gives no value` };
  }
  if (signal === "up")
    return { watch, value, isBack: value >= limit, text: `${service} ${value >= limit ? "answers" : "does not answer"}` };
  const isBack = direction === "up" ? value <= limit : value >= limit;
  const where = isBack ? "is back at" : "is still at";
  return { watch, value, isBack, text: `${service}: ${words} ${where} ${figure(value, unit)} (before ${figure(baseline, unit)})` };
}
