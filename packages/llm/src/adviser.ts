import type { LlmReply, LlmRequest } from "./llm-port.ts";

/** On whose account a call is made. */
export interface Occasion {
  /** Deterministic: the same id is the same call, paid once. A call known by its id answers from its record, also after a crash. */
  readonly callId: string;
  readonly incidentId?: string;
  /** The scope whose budget it is. */
  readonly tenant: string;
  /** Absent where a person asked: then no floor applies. */
  readonly severity?: "critical" | "warning" | "info";
  /**
   * What the call is about, e.g. `narrate:<digest of the evidence>`. Asked about again under another call id within the cool-down, it is
   * skipped: a re-fire of the same trouble attaches without a new call.
   */
  readonly subject?: string;
}

export type SkipReason = "none" | "budget" | "severity" | "breaker" | "busy" | "cool-down" | "interrupted" | "failed" | "refused";

export type Advice =
  | { readonly kind: "reply"; readonly reply: LlmReply; readonly costUsd: number; readonly fromRecord: boolean }
  /** `text` is for people: "no model: the budget of this incident is spent (4 of 4 calls)". */
  | { readonly kind: "skipped"; readonly reason: SkipReason; readonly text: string };

/** Models behind budgets, a breaker and a chain of fallbacks. Never throws but when the request's own signal aborts. */
export interface Adviser {
  /** False when no model is configured at all: callers then say nothing about models. */
  readonly isConfigured: boolean;
  advise(request: LlmRequest, occasion: Occasion): Promise<Advice>;
  /** What has been spent and what may be, for people. Never throws. */
  status(): Promise<LlmStatus>;
}

/** Calls, tokens in and out together, money, and the time that calls took. */
export interface Spend {
  readonly calls: number;
  readonly tokens: number;
  readonly usd: number;
  readonly seconds: number;
}

export interface ProviderStatus {
  readonly provider: string;
  readonly model: string;
  /** `up`, `down` (not asked until `nextTryAt`), or `probing` (the next call decides). */
  readonly state: "up" | "down" | "probing";
  /** Why it is not up, and since when. */
  readonly reason?: string;
  readonly code?: string;
  readonly since?: string;
  readonly nextTryAt?: string;
  /** In US dollars for a million tokens; absent where the price table does not know the model: its calls then count as free. */
  readonly price?: { readonly input: number; readonly output: number };
}

export interface LlmStatus {
  readonly configured: boolean;
  readonly providers: readonly ProviderStatus[];
  /** `max` absent: no limit. `used` counts what running calls have reserved; absent where the limit is one for each incident or tenant. */
  readonly limits: readonly { readonly scope: LimitScope; readonly what: keyof Spend; readonly max: number; readonly used?: number }[];
  readonly spend: {
    readonly hour: Spend;
    readonly day: Spend;
    /** Of the last day, the largest first. */
    readonly tenants: readonly (Spend & { readonly tenant: string })[];
  };
  /** True when the ledger could not be read: figures are then zero, and no call is made. */
  readonly ledgerDown: boolean;
  readonly concurrency: { readonly max: number; readonly running: number };
  readonly minSeverity: "critical" | "warning" | "info";
  readonly coolDownSeconds: number;
  readonly prices: { readonly version: string };
}

/** `incident`: all calls for one incident; `hour`, `day`: all calls of the last 3,600 and 86,400 s; `tenant`: of one tenant in a day. */
export type LimitScope = "incident" | "hour" | "day" | "tenant";
