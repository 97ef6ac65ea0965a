import { AppError, type Clock, digestOf, type Logger, messageOf, redact } from "@tocsin/runtime";
import type { Registry } from "prom-client";
import type { Advice, Adviser, LimitScope, LlmStatus, Occasion, Spend } from "./adviser.ts";
import type { BreakerOptions } from "./breaker.ts";
import { type Limit, type LlmLedger, type Settlement, WINDOW_SECONDS } from "./ledger.ts";
import type { LlmPort, LlmReply, LlmRequest, LlmUsage } from "./llm-port.ts";
import { createMetrics } from "./metrics.ts";
import { costUsd, DEFAULT_PRICES, type PriceTable, priceOf } from "./prices.ts";
import { createGate, type ProviderGate } from "./provider-gate.ts";
import { fromRecord, fromReservation, skipped } from "./skip-texts.ts";
import { createSlots } from "./slots.ts";
import { startModelSpan } from "./spans.ts";
import { inputTokensAbout, inputTokensAtMost, outputTokensAbout } from "./token-estimate.ts";
import { visibleText } from "./untrusted-text.ts";

/** What may be spent. What a scope does not name is not limited. */
export type Budgets = Readonly<Partial<Record<LimitScope, Readonly<Partial<Record<keyof Spend, number | undefined>>>>>>;

export interface AdviserOptions {
  /** The first that is up is asked; the others are its fallbacks, in order. */
  readonly providers: readonly LlmPort[];
  readonly ledger: LlmLedger;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry?: Registry;
  readonly budgets?: Budgets;
  readonly prices?: PriceTable;
  readonly breaker?: BreakerOptions;
  /** Calls at a time. Default 2. */
  readonly concurrency?: number;
  /** How long a call waits for its turn, in milliseconds. Default 15,000. */
  readonly queueMs?: number;
  /** Incidents below it get no model. Default `info`: all do. */
  readonly minSeverity?: "critical" | "warning" | "info";
  /** Default 900. */
  readonly coolDownSeconds?: number;
  /** Put masked prompts and answers on spans. Default false. */
  readonly traceContent?: boolean;
}

const SEVERITIES = ["info", "warning", "critical"] as const;
/** A `retry-after` up to this is waited for; a longer one goes to the next provider. */
const PATIENCE_MS = 5_000;
const MAX_TRIES = 2;
const NOTHING: Spend = { calls: 0, tokens: 0, usd: 0, seconds: 0 };
/** After these the provider has read the prompt, and will want to be paid for it. */
const LIKELY_PAID = /^LLM_(DEADLINE|DISCONNECTED|CANCELLED|ANSWER_\w+|PROMPT_TRUNCATED)$/;

export interface CheckedAdviser extends Adviser {
  /** Asks every provider whether it could answer; what it learns is in the log and in `status`. Never throws. */
  check(signal: AbortSignal): Promise<void>;
}

/** An adviser over providers that are open already. Closing them stays with the caller. */
export function createAdviser(options: AdviserOptions): CheckedAdviser {
  const { providers, ledger, clock, log, prices = DEFAULT_PRICES, minSeverity = "info", coolDownSeconds = 900 } = options;
  const { concurrency = 2, queueMs = 15_000, traceContent = false } = options;
  const metrics = options.registry && createMetrics(options.registry);
  const gates = providers.map((port) =>
    createGate({ port, prices, clock, log, metrics, ...(options.breaker === undefined ? {} : { breaker: options.breaker }) }),
  );
  const limits = limitsOf(options.budgets ?? {});
  const slots = createSlots(concurrency);
  /** A call that is asked for again while it runs is the same call. */
  const running = new Map<string, Promise<Advice>>();

  async function advise(request: LlmRequest, occasion: Occasion): Promise<Advice> {
    request.signal?.throwIfAborted();
    if (gates.length === 0) return skipped("none", "none is configured");
    const same = running.get(occasion.callId);
    if (same !== undefined) return same;
    const answer = answerOnce(asItLeaves(request), occasion).then((advice) => {
      if (advice.kind === "skipped") metrics?.skipped.inc({ reason: advice.reason });
      return advice;
    });
    running.set(occasion.callId, answer);
    try {
      return await answer;
    } finally {
      running.delete(occasion.callId);
    }
  }

  async function answerOnce(request: LlmRequest, occasion: Occasion): Promise<Advice> {
    try {
      const record = await ledger.recall(occasion.callId);
      if (record !== undefined) return fromRecord(record);
    } catch (error) {
      return ledgerDown(error);
    }
    const { severity } = occasion;
    if (severity !== undefined && SEVERITIES.indexOf(severity) < SEVERITIES.indexOf(minSeverity)) {
      return skipped("severity", `models are asked from ${minSeverity} on, this is ${severity}`);
    }
    const giveBack = await slots.take(queueMs, request.signal);
    if (giveBack === undefined) return skipped("busy", `${concurrency} calls were running for ${Math.round(queueMs / 1_000)} s`);
    metrics?.running.set(slots.running);
    try {
      return await askInTurn(request, occasion);
    } finally {
      giveBack();
      metrics?.running.set(slots.running);
    }
  }

  async function askInTurn(request: LlmRequest, occasion: Occasion): Promise<Advice> {
    let attempt = 0;
    let down: string | undefined;
    let refused: Advice | undefined;
    let failure: unknown;
    for (const gate of gates) {
      for (let tries = 1; tries <= MAX_TRIES; tries++) {
        const closed = gate.admit(request.deadlineMs);
        if (closed !== undefined) {
          down ??= closed;
          break;
        }
        const asked = await askOne(gate, request, occasion, ++attempt);
        if (asked.kind === "budget") {
          attempt--;
          // A cheaper provider may still fit.
          refused ??= asked.advice;
          break;
        }
        if (asked.kind === "advice") return asked.advice;
        failure = asked.error;
        const waitMs = tries < MAX_TRIES ? waitFor(asked.error) : undefined;
        if (waitMs === undefined) break;
        // A little longer than told, so that the breaker is due by then.
        await clock.sleep(waitMs + 50, request.signal);
      }
    }
    if (failure !== undefined) return skipped("failed", messageOf(failure));
    return refused ?? skipped("breaker", down ?? "no provider is up");
  }

  type Asked =
    | { readonly kind: "advice"; readonly advice: Advice }
    | { readonly kind: "budget"; readonly advice: Advice }
    | { readonly kind: "error"; readonly error: unknown };

  async function askOne(gate: ProviderGate, request: LlmRequest, occasion: Occasion, attempt: number): Promise<Asked> {
    const { port } = gate;
    const { provider, model } = port;
    const price = priceOf(prices, provider, model);
    const atMost: LlmUsage = { inputTokens: inputTokensAtMost(request), outputTokens: request.maxOutputTokens };
    const { callId, incidentId, tenant, subject } = occasion;
    try {
      const reservation = await ledger.reserve(
        {
          callId,
          attempt,
          ...(incidentId === undefined ? {} : { incidentId }),
          tenant,
          ...(subject === undefined ? {} : { subject }),
          provider,
          model,
          prompt: request.prompt,
          requestDigest: requestDigest(request),
          reserved: {
            tokens: atMost.inputTokens + atMost.outputTokens,
            usd: price === undefined ? 0 : costUsd(price, atMost),
            seconds: request.deadlineMs / 1_000,
          },
        },
        limits,
        coolDownSeconds,
        clock.now(),
      );
      const advice = fromReservation(reservation);
      if (advice !== undefined) {
        gate.released();
        return { kind: reservation.kind === "refused" ? "budget" : "advice", advice };
      }
    } catch (error) {
      gate.released();
      return { kind: "advice", advice: ledgerDown(error) };
    }

    const startedAt = clock.now();
    const span = startModelSpan(port, request, occasion, traceContent);
    let heard = "";
    const listening: LlmRequest = {
      ...request,
      onText(text) {
        span.firstText();
        heard += text;
        request.onText?.(text);
      },
    };
    const settle = (settlement: Omit<Settlement, "used" | "inputTokens" | "outputTokens" | "priced">, usage: LlmUsage) => {
      const usd = price === undefined ? 0 : costUsd(price, usage);
      const seconds = (clock.now() - startedAt) / 1_000;
      metrics?.calls.inc({ provider, model, outcome: settlement.code ?? settlement.outcome });
      metrics?.seconds.observe({ provider, model }, seconds);
      metrics?.tokens.inc({ provider, model, direction: "input" }, usage.inputTokens);
      metrics?.tokens.inc({ provider, model, direction: "output" }, usage.outputTokens);
      metrics?.cost.inc({ provider, model }, usd);
      const { inputTokens, outputTokens } = usage;
      const used = { tokens: inputTokens + outputTokens, usd, seconds };
      const whole = { ...settlement, used, inputTokens, outputTokens, priced: price !== undefined };
      // An answer that cannot be written down is still an answer; asked again, the call counts as interrupted.
      return ledger.settle(callId, attempt, whole, clock.now()).then(
        () => usd,
        (error) => {
          log.warn({ err: error, callId }, "call of a model not settled");
          return usd;
        },
      );
    };

    let reply: LlmReply;
    try {
      reply = await port.complete(listening);
    } catch (error) {
      gate.failed(error);
      span.failed(error);
      const code = AppError.is(error) ? error.code : "LLM_UNAVAILABLE";
      log.debug({ provider, model, code, callId, reason: messageOf(error) }, "model call failed");
      await settle({ outcome: "failed", code, text: messageOf(error) }, usageOfFailure(request, error, code, heard));
      request.signal?.throwIfAborted();
      return { kind: "error", error };
    }
    gate.succeeded();
    const usd = await settle({ outcome: "replied", reply }, reply.usage);
    span.replied(reply, price === undefined ? undefined : usd);
    if (reply.stop === "refusal") return { kind: "advice", advice: skipped("refused", `${provider} (${model}) refused to answer`) };
    return { kind: "advice", advice: { kind: "reply", reply, costUsd: usd, fromRecord: false } };
  }

  function ledgerDown(error: unknown): Advice {
    log.warn({ err: error }, "ledger of model calls unavailable");
    return skipped("failed", "what calls cost cannot be written down now, so none is made");
  }

  async function status(): Promise<LlmStatus> {
    const now = clock.now();
    const read = async () => Promise.all([ledger.spend(WINDOW_SECONDS.hour, now), ledger.spend(WINDOW_SECONDS.day, now)]);
    const [hourly, daily] = (await read().catch(() => undefined)) ?? [];
    const spend = { hour: sumOf(hourly ?? []), day: sumOf(daily ?? []) };
    return {
      configured: gates.length > 0,
      providers: gates.map((gate) => gate.status()),
      limits: limits.map((limit) =>
        limit.scope === "hour" || limit.scope === "day" ? { ...limit, used: spend[limit.scope][limit.what] } : limit,
      ),
      spend: { ...spend, tenants: daily ?? [] },
      ledgerDown: daily === undefined,
      concurrency: { max: concurrency, running: slots.running },
      minSeverity,
      coolDownSeconds,
      prices: { version: prices.version },
    };
  }

  async function check(signal: AbortSignal): Promise<void> {
    await Promise.all(
      gates.map(async (gate) => {
        try {
          await gate.port.check?.(signal);
        } catch (error) {
          if (!signal.aborted) gate.checkFailed(error);
        }
      }),
    );
  }

  return { isConfigured: gates.length > 0, advise, status, check };
}

const limitsOf = (budgets: Budgets): Limit[] =>
  Object.entries(budgets).flatMap(([scope, of]) =>
    Object.entries(of)
      .filter(([, max]) => max !== undefined)
      .map(([what, max]) => ({ scope: scope as LimitScope, what: what as keyof Spend, max: max as number })),
  );

const sumOf = (parts: readonly Spend[]): Spend =>
  parts.reduce(
    (sum, one) => ({
      calls: sum.calls + one.calls,
      tokens: sum.tokens + one.tokens,
      usd: sum.usd + one.usd,
      seconds: sum.seconds + one.seconds,
    }),
    NOTHING,
  );

/** How long to wait before the same provider is asked once more; undefined when another is asked instead. */
function waitFor(error: unknown): number | undefined {
  if (!AppError.is(error) || !error.retryable) return undefined;
  const wait = error.details["retryAfterMs"];
  if (typeof wait === "number") return wait <= PATIENCE_MS ? wait : undefined;
  return AppError.is(error, "LLM_UNAVAILABLE", "LLM_DISCONNECTED", "LLM_ANSWER_GARBLED") ? 250 : undefined;
}

function usageOfFailure(request: LlmRequest, error: unknown, code: string, heard: string): LlmUsage {
  const said = AppError.is(error) ? (error.details["usage"] as LlmUsage | undefined) : undefined;
  if (said !== undefined) return said;
  if (heard === "" && !LIKELY_PAID.test(code)) return { inputTokens: 0, outputTokens: 0 };
  return { inputTokens: inputTokensAbout(request), outputTokens: outputTokensAbout(heard) };
}

/** The last guard before anything leaves the machine, whatever the caller has masked before. */
const asItLeaves = (request: LlmRequest): LlmRequest => ({
  ...request,
  system: redact(visibleText(request.system)),
  messages: request.messages.map((message) => ({ ...message, text: redact(visibleText(message.text)) })),
});

const requestDigest = ({ prompt, system, messages, schema, tools, maxOutputTokens }: LlmRequest): string =>
  digestOf(JSON.parse(JSON.stringify({ prompt, system, messages, schema, tools, maxOutputTokens })));
