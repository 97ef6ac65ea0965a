import { AppError, type Clock, isoTime, type Logger, messageOf } from "@tocsin/runtime";
import type { ProviderStatus } from "./adviser.ts";
import { admit, BREAKER_DEFAULTS, type Breaker, type BreakerOptions, CLOSED, fail, release, succeed } from "./breaker.ts";
import type { LlmPort } from "./llm-port.ts";
import type { LlmMetrics } from "./metrics.ts";
import { type PriceTable, priceOf } from "./prices.ts";

/** Waiting alone does not mend these. */
const LASTING = ["LLM_KEY_REFUSED", "LLM_UNPAID", "LLM_MODEL_UNKNOWN", "LLM_LIMIT_REACHED", "LLM_SETUP_INVALID", "LLM_SCRIPT_INVALID"];
/** These tell of the request or of the caller, not of the provider's health. */
const NOT_ITS_FAULT = ["LLM_REQUEST_REJECTED", "LLM_ANSWER_INVALID", "LLM_PROMPT_TRUNCATED", "LLM_CANCELLED", "LLM_SCRIPT_UNMATCHED"];

/** A provider with its breaker. */
export interface ProviderGate {
  readonly port: LlmPort;
  /** @returns why it may not be asked now; undefined when it may */
  admit(probeMs: number): string | undefined;
  succeeded(): void;
  failed(error: unknown): void;
  /** It failed when it was only looked at: one such failure is enough to leave it out for a while. */
  checkFailed(error: unknown): void;
  /** It was admitted and then not asked. */
  released(): void;
  status(): ProviderStatus;
}

export interface GateOptions {
  readonly port: LlmPort;
  readonly prices: PriceTable;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: LlmMetrics | undefined;
  readonly breaker?: BreakerOptions;
}

export function createGate({ port, prices, clock, log, metrics, breaker: options = BREAKER_DEFAULTS }: GateOptions): ProviderGate {
  const { provider, model } = port;
  let breaker: Breaker = CLOSED;
  const showUp = () => metrics?.up.set({ provider, model }, breaker.kind === "open" ? 0 : 1);
  showUp();

  function failed(error: unknown, opensAtOnce: boolean): void {
    const code = AppError.is(error) ? error.code : "LLM_UNAVAILABLE";
    if (NOT_ITS_FAULT.includes(code)) {
      breaker = release(breaker, clock.now());
      return;
    }
    const said = AppError.is(error) ? error.details["retryAfterMs"] : undefined;
    const retryAfterMs = typeof said === "number" ? said : opensAtOnce ? options.openMs : undefined;
    const wasOpen = breaker.kind !== "closed";
    const failure = { code, reason: messageOf(error), lasting: LASTING.includes(code) };
    breaker = fail(breaker, retryAfterMs === undefined ? failure : { ...failure, retryAfterMs }, clock.now(), options);
    showUp();
    // Once when it goes down; a probe that fails again is no news.
    if (breaker.kind === "open" && !wasOpen) log.warn({ provider, model, code, reason: breaker.reason }, "model down");
  }

  return {
    port,
    admit(probeMs) {
      const verdict = admit(breaker, clock.now(), probeMs);
      breaker = verdict.breaker;
      showUp();
      return verdict.admitted || breaker.kind === "closed" ? undefined : breaker.reason;
    },
    succeeded() {
      if (breaker.kind !== "closed") log.info({ provider, model }, "model up");
      breaker = succeed();
      showUp();
    },
    failed: (error) => failed(error, false),
    checkFailed: (error) => failed(error, true),
    released() {
      breaker = release(breaker, clock.now());
    },
    status() {
      const price = priceOf(prices, provider, model);
      const priced = { provider, model, ...(price === undefined ? {} : { price: { input: price.input, output: price.output } }) };
      if (breaker.kind === "closed") return { ...priced, state: "up" };
      const { code, reason, sinceMs } = breaker;
      const why = { ...priced, code, reason, since: isoTime(sinceMs) };
      if (breaker.kind === "half-open" || clock.now() >= breaker.untilMs) return { ...why, state: "probing" };
      return { ...why, state: "down", nextTryAt: isoTime(breaker.untilMs) };
    },
  };
}
