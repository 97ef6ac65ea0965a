// Terms. A *breaker* keeps a provider that fails from being asked again and again. *Closed*: asked. *Open*: not asked until a time.
// *Half-open*: one call is let through as the probe; it decides. Pure: states and times in, states out.

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it stays open the first time, in milliseconds; doubles each time a probe fails. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  /** How long it stays open after a fault that waiting does not mend by itself (a refused key, a spent limit), in milliseconds. */
  readonly checkMs: number;
}
export const BREAKER_DEFAULTS: BreakerOptions = { failures: 3, openMs: 15_000, maxOpenMs: 600_000, checkMs: 300_000 };

interface Failing {
  readonly code: string;
  readonly reason: string;
  readonly sinceMs: number;
}

export type Breaker =
  | { readonly kind: "closed"; readonly failures: number }
  | (Failing & { readonly kind: "open"; readonly untilMs: number; readonly opened: number })
  | (Failing & { readonly kind: "half-open"; readonly opened: number; readonly probeUntilMs: number });

export const CLOSED: Breaker = { kind: "closed", failures: 0 };

export interface Failure {
  readonly code: string;
  readonly reason: string;
  /** Waiting alone does not mend it: opens at once. */
  readonly lasting: boolean;
  /** The provider named a time to wait. */
  readonly retryAfterMs?: number;
}

/**
 * May the provider be asked now? Asking half-opens an open breaker, for one caller: the next ones are told no until the probe ends, or
 * until `probeMs` have passed and its caller is taken for lost.
 */
export function admit(breaker: Breaker, nowMs: number, probeMs: number): { readonly admitted: boolean; readonly breaker: Breaker } {
  if (breaker.kind === "closed") return { admitted: true, breaker };
  if (breaker.kind === "open" && nowMs < breaker.untilMs) return { admitted: false, breaker };
  if (breaker.kind === "half-open" && nowMs < breaker.probeUntilMs) return { admitted: false, breaker };
  const { code, reason, sinceMs, opened } = breaker;
  return { admitted: true, breaker: { kind: "half-open", code, reason, sinceMs, opened, probeUntilMs: nowMs + probeMs } };
}

/** An answer came: whatever was wrong is over. */
export const succeed = (): Breaker => CLOSED;

/** The probe ended without telling anything about the provider (the caller gave up, the budget refused it): the next call may probe. */
export const release = (breaker: Breaker, nowMs: number): Breaker =>
  breaker.kind === "half-open" ? { ...breaker, probeUntilMs: nowMs } : breaker;

export function fail(breaker: Breaker, failure: Failure, nowMs: number, options: BreakerOptions = BREAKER_DEFAULTS): Breaker {
  const failures = breaker.kind === "closed" ? breaker.failures + 1 : options.failures;
  if (!failure.lasting && failure.retryAfterMs === undefined && failures < options.failures) return { kind: "closed", failures };
  const opened = breaker.kind === "closed" ? 1 : breaker.opened + 1;
  const backoff = Math.min(options.maxOpenMs, options.openMs * 2 ** Math.min(opened - 1, 20));
  const openMs = failure.lasting ? options.checkMs : Math.min(options.maxOpenMs, failure.retryAfterMs ?? backoff);
  const sinceMs = breaker.kind === "closed" ? nowMs : breaker.sinceMs;
  return { kind: "open", code: failure.code, reason: failure.reason, sinceMs, untilMs: nowMs + openMs, opened };
}
