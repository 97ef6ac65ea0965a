// Terms. An *objective* is the share of requests that a service promises to serve well within a *window*; the *budget* is the rest. The *burn
// rate* is how many times faster than allowed the budget is being spent: 1 spends exactly all of it over the window.
import type { Objective } from "./policy-config.ts";

/** `[Unix seconds, value]`, ascending. */
type Samples = readonly (readonly [number, number])[];

export interface ErrorBudget {
  readonly service: string;
  /** The promised share of good requests. */
  readonly objective: number;
  /** The lower of the burn rates over the last hour and the last five minutes: high only while it lasts. */
  readonly burnRate: number;
  /** Share of the whole budget that is spent; time of which nothing is known spent nothing. */
  readonly spentRatio: number;
  readonly exhausted: boolean;
}

/** What a history of error ratios shows: `recent` of the last hour, `long` of the objective's window, both with the traffic beside them. */
export interface ErrorHistory {
  readonly recent: { readonly errors: Samples; readonly traffic: Samples };
  readonly long: { readonly errors: Samples; readonly traffic: Samples; readonly stepSeconds: number };
}

const HOUR_SECONDS = 3_600;
const SHORT_SECONDS = 300;
const DAY_SECONDS = 86_400;

/**
 * Pure: how the error budget of a service stands.
 *
 * @param now Unix seconds
 * @returns undefined when nothing was measured: no budget is kept then, and no rule holds by it
 * @see Site Reliability Workbook, ch. 5, multiwindow burn-rate alerts: 14.4 over one hour and five minutes spends 2 % of 30 days
 */
export function errorBudgetOf(service: string, objective: Objective, history: ErrorHistory, now: number): ErrorBudget | undefined {
  const { recent, long } = history;
  const allowed = 1 - objective.ratio;
  const hour = meanRatio(recent.errors, recent.traffic, now - HOUR_SECONDS);
  const short = meanRatio(recent.errors, recent.traffic, now - SHORT_SECONDS);
  const overall = meanRatio(long.errors, long.traffic, now - objective.windowDays * DAY_SECONDS);
  if (hour === undefined && overall === undefined) return undefined;
  const burnRate = Math.min(hour?.ratio ?? 0, short?.ratio ?? 0) / allowed;
  // Each sample stands for one step; what is older than the metrics are kept counts as good, so that the budget is never called spent too early.
  const known = Math.min(1, ((overall?.samples ?? 0) * long.stepSeconds) / (objective.windowDays * DAY_SECONDS));
  const spentRatio = ((overall?.ratio ?? 0) * known) / allowed;
  return { service, objective: objective.ratio, burnRate, spentRatio, exhausted: spentRatio >= 1 };
}

/** The mean error ratio from a time on, each sample weighed with the traffic at its time; unweighed where no traffic is known. */
function meanRatio(errors: Samples, traffic: Samples, from: number): { readonly ratio: number; readonly samples: number } | undefined {
  const rateAt = new Map(traffic.map(([at, rate]) => [at, rate]));
  let weighed = 0;
  let weights = 0;
  let samples = 0;
  for (const [at, ratio] of errors) {
    if (at < from || !Number.isFinite(ratio)) continue;
    const rate = traffic.length === 0 ? 1 : (rateAt.get(at) ?? 0);
    weighed += ratio * rate;
    weights += rate;
    samples += 1;
  }
  return samples === 0 ? undefined : { ratio: weights === 0 ? 0 : weighed / weights, samples };
}
