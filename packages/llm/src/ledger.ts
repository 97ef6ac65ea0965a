// Terms. A *call* is one question of the product, known by its id. An *attempt* is one request to one provider made for it; a fallback or
// a retry is a further attempt. Every attempt is written down before it is made, with what it may cost at most, and again after it.
import type { LimitScope, Spend } from "./adviser.ts";
import type { LlmReply, PromptRef } from "./llm-port.ts";

export interface Limit {
  readonly scope: LimitScope;
  readonly what: keyof Spend;
  readonly max: number;
}

/** One attempt about to be made. */
export interface Attempt {
  readonly callId: string;
  /** 1 for the first. Only the first looks whether the call is known. */
  readonly attempt: number;
  readonly incidentId?: string;
  readonly tenant: string;
  readonly subject?: string;
  readonly provider: string;
  readonly model: string;
  readonly prompt: PromptRef;
  /** Over what was asked, for comparing with another call. */
  readonly requestDigest: string;
  /** The most that it may use. */
  readonly reserved: Omit<Spend, "calls">;
}

export interface Settlement {
  readonly outcome: "replied" | "failed";
  /** What it used. */
  readonly used: Omit<Spend, "calls">;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** False when the price of the model is not known: `used.usd` is 0 then. */
  readonly priced: boolean;
  readonly reply?: LlmReply;
  /** For a failure. */
  readonly code?: string;
  readonly text?: string;
}

/** What is known of a call that was made before. */
export type CallRecord =
  | { readonly kind: "replied"; readonly reply: LlmReply; readonly costUsd: number }
  | { readonly kind: "failed"; readonly code: string; readonly text: string }
  /** Begun and never ended: whoever made it is gone, or still waits. It may have been paid for. */
  | { readonly kind: "unfinished" };

export type Reservation =
  | CallRecord
  | { readonly kind: "reserved" }
  | { readonly kind: "refused"; readonly limit: Limit; readonly used: number; readonly wanted: number }
  /** The same subject was asked about under another id. */
  | { readonly kind: "cool-down"; readonly callId: string; readonly secondsAgo: number };

/** The record of every call, kept where it survives the process. */
export interface LlmLedger {
  recall(callId: string): Promise<CallRecord | undefined>;
  /**
   * In one step that no other reservation overlaps: a known call is answered from its record; otherwise the attempt is written down if
   * nothing of `limits` would be exceeded by what is used and reserved together with it.
   */
  reserve(attempt: Attempt, limits: readonly Limit[], coolDownSeconds: number, nowMs: number): Promise<Reservation>;
  settle(callId: string, attempt: number, settlement: Settlement, nowMs: number): Promise<void>;
  /** Of the last `seconds`, all tenants, the largest spender first. */
  spend(seconds: number, nowMs: number): Promise<readonly (Spend & { readonly tenant: string })[]>;
}

export const WINDOW_SECONDS = { hour: 3_600, day: 86_400, tenant: 86_400 } as const;
