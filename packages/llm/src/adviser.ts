import type { LlmReply, LlmRequest } from "./llm-port.ts";

/** On whose account a call is made. */
export interface Occasion {
  /** Deterministic: the same id is the same call, paid once. A call known by its id answers from its record, also after a crash. */
  readonly callId: string;
  readonly incidentId?: string;
  /** The scope whose budget it is. */
  readonly tenant: string;
  readonly severity?: "critical" | "warning" | "info";
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
}
