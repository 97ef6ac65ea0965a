// The error budget as the executor itself finds it in the signals: the requester's word for it would be worth nothing.
import { type ErrorBudget, errorBudgetOf, type Objective, objectiveOf, type PolicyConfig } from "@tocsin/runbooks";
import type { Clock } from "@tocsin/runtime";
import type { Signals } from "@tocsin/signals";

const HOUR_SECONDS = 3_600;
const RECENT_STEP_SECONDS = 30;
/** Points asked for over an objective's window: one an hour over 30 days. Prometheus answers 11 000 at most, the embedded metrics are asked in our own process. */
const LONG_POINTS = 720;
const DEADLINE_MS = 4_000;

interface Sources {
  readonly signals: Signals;
  readonly clock: Clock;
  readonly policy: PolicyConfig;
}

/**
 * The budget of the target whose stands worst. Signals that do not answer give none: `fresh-signal` refuses then anyway.
 */
export async function worstBudget({ signals, clock, policy }: Sources, targets: readonly string[]): Promise<ErrorBudget | undefined> {
  const now = clock.now() / 1_000;
  const all = await Promise.all(
    targets.map(async (service) => {
      const objective = objectiveOf(policy, service);
      return objective && (await budgetOf(signals, service, objective, now).catch(() => undefined));
    }),
  );
  const rank = (budget: ErrorBudget) => (budget.exhausted ? Number.POSITIVE_INFINITY : budget.burnRate);
  return all.filter((budget) => budget !== undefined).sort((a, b) => rank(b) - rank(a))[0];
}

async function budgetOf(signals: Signals, service: string, objective: Objective, now: number): Promise<ErrorBudget | undefined> {
  const read = async (seconds: number, stepSeconds: number) => {
    const window = { from: now - seconds, to: now };
    const { value } = await signals.metrics.signals([service], ["error_ratio", "request_rate"], window, stepSeconds, {
      deadlineMs: DEADLINE_MS,
    });
    const of = (signal: string) => value.find((series) => series.signal === signal)?.samples ?? [];
    return { errors: of("error_ratio"), traffic: of("request_rate") };
  };
  const windowSeconds = objective.windowDays * 24 * HOUR_SECONDS;
  const stepSeconds = Math.max(60, Math.round(windowSeconds / LONG_POINTS));
  const [recent, long] = await Promise.all([read(HOUR_SECONDS, RECENT_STEP_SECONDS), read(windowSeconds, stepSeconds)]);
  return errorBudgetOf(service, objective, { recent, long: { ...long, stepSeconds } }, now);
}
