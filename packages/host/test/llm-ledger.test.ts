// The same facts over the ledger in memory and the one in the store: what holds in an evaluation holds for money.
import {
  type Attempt,
  createAdviser,
  type Limit,
  type LlmLedger,
  type LlmReply,
  type LlmRequest,
  memoryLedger,
  type Settlement,
  type Spend,
  scriptedLlm,
} from "@tocsin/llm";
import { silentLogger, systemClock } from "@tocsin/runtime";
import { llmLedger, openStore, type Store } from "@tocsin/store";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const NOW = Date.parse("2026-01-01T10:00:00Z");
const HOUR = 3_600_000;
const prompt = { name: "narrate", version: 1, hash: "sha256:00" };
const reply: LlmReply = {
  text: "because \u0000 of it",
  toolCalls: [],
  stop: "end",
  usage: { inputTokens: 10, outputTokens: 5 },
  provider: "scripted",
  model: "m",
};
const replied: Settlement = {
  outcome: "replied",
  used: { tokens: 15, usd: 0.001, seconds: 1.5 },
  inputTokens: 10,
  outputTokens: 5,
  priced: true,
  reply,
};
const failed: Settlement = {
  outcome: "failed",
  used: { tokens: 0, usd: 0, seconds: 0.1 },
  inputTokens: 0,
  outputTokens: 0,
  priced: true,
  code: "LLM_OVERLOADED",
  text: "it is overloaded",
};

let store: Store;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store?.close());

describe.each([
  ["in memory", () => memoryLedger(), 40],
  ["in the store", (): LlmLedger => llmLedger<LlmReply>(store.sql), 2],
] as const)("a ledger %s", (_where, open, numRuns) => {
  let number = 0;
  const fresh = () => {
    const tenant = `t${Math.random().toString(36).slice(2)}${number++}`;
    const attempt = (callId: string, over: Partial<Attempt> = {}): Attempt => ({
      callId: `${tenant}/${callId}`,
      attempt: 1,
      incidentId: `${tenant}/inc`,
      tenant,
      provider: "scripted",
      model: "m",
      prompt,
      requestDigest: "sha256:11",
      reserved: { tokens: 100, usd: 0.01, seconds: 30 },
      ...over,
    });
    return { ledger: open(), attempt, tenant };
  };

  test("answers a call that it knows, and does not reserve it again", async () => {
    const { ledger, attempt } = fresh();
    const one = attempt("a");
    expect(await ledger.recall(one.callId)).toBeUndefined();
    expect(await ledger.reserve(one, [], 0, NOW)).toEqual({ kind: "reserved" });
    await ledger.settle(one.callId, 1, replied, NOW);
    const record = { kind: "replied", costUsd: 0.001, reply: { stop: "end", usage: reply.usage } };
    expect(await ledger.recall(one.callId)).toMatchObject(record);
    expect(await ledger.reserve(one, [], 0, NOW)).toMatchObject(record);
  });

  test("takes a call that never ended for unfinished, also when an earlier attempt had failed", async () => {
    const { ledger, attempt } = fresh();
    await ledger.reserve(attempt("a"), [], 0, NOW);
    await ledger.settle(attempt("a").callId, 1, failed, NOW);
    expect(await ledger.recall(attempt("a").callId)).toEqual({ kind: "failed", code: "LLM_OVERLOADED", text: "it is overloaded" });
    await ledger.reserve(attempt("a", { attempt: 2 }), [], 0, NOW);
    expect(await ledger.recall(attempt("a").callId)).toEqual({ kind: "unfinished" });
    await ledger.settle(attempt("a").callId, 2, replied, NOW);
    expect(await ledger.recall(attempt("a").callId)).toMatchObject({ kind: "replied" });
  });

  test("settles once: who comes late changes nothing", async () => {
    const { ledger, attempt, tenant } = fresh();
    await ledger.reserve(attempt("a"), [], 0, NOW);
    await ledger.settle(attempt("a").callId, 1, replied, NOW);
    await ledger.settle(attempt("a").callId, 1, failed, NOW);
    expect((await ledger.spend(HOUR / 1_000, NOW)).find((one) => one.tenant === tenant)).toEqual({
      tenant,
      calls: 1,
      tokens: 15,
      usd: 0.001,
      seconds: 1.5,
    });
  });

  test.each(["calls", "tokens", "usd", "seconds"] as const)(
    "refuses what would exceed a limit of %s, counting what is reserved",
    async (what) => {
      const { ledger, attempt, tenant } = fresh();
      const of: Spend = { calls: 1, tokens: 100, usd: 0.01, seconds: 30 };
      const limit: Limit = { scope: "incident", what, max: of[what] * 2.5 };
      expect(await ledger.reserve(attempt("a"), [limit], 0, NOW)).toEqual({ kind: "reserved" });
      expect(await ledger.reserve(attempt("b"), [limit], 0, NOW)).toEqual({ kind: "reserved" });
      expect(await ledger.reserve(attempt("c"), [limit], 0, NOW)).toEqual({ kind: "refused", limit, used: of[what] * 2, wanted: of[what] });
      // Another incident has a budget of its own; what used less than it reserved gives the rest back.
      expect(await ledger.reserve(attempt("d", { incidentId: `${tenant}/another` }), [limit], 0, NOW)).toMatchObject({ kind: "reserved" });
      await ledger.settle(attempt("a").callId, 1, replied, NOW);
      expect(await ledger.reserve(attempt("e"), [limit], 0, NOW)).toMatchObject({ kind: what === "calls" ? "refused" : "reserved" });
    },
  );

  test("forgets for a tenant what is a day old, to the millisecond", async () => {
    const { ledger, attempt } = fresh();
    const limit: Limit = { scope: "tenant", what: "calls", max: 1 };
    await ledger.reserve(attempt("a"), [limit], 0, NOW);
    expect(await ledger.reserve(attempt("b"), [limit], 0, NOW + 24 * HOUR - 1)).toMatchObject({ kind: "refused" });
    expect(await ledger.reserve(attempt("c"), [limit], 0, NOW + 24 * HOUR)).toMatchObject({ kind: "reserved" });
  });

  test("lets a subject cool down, but not one that failed, nor for another tenant", async () => {
    const { ledger, attempt, tenant } = fresh();
    const about = { subject: "narrate:x" };
    await ledger.reserve(attempt("a", about), [], 900, NOW);
    expect(await ledger.reserve(attempt("b", about), [], 900, NOW + 60_000)).toMatchObject({ kind: "cool-down", secondsAgo: 60 });
    expect(await ledger.reserve(attempt("b2", { ...about, tenant: `${tenant}/another` }), [], 900, NOW + 60_000)).toMatchObject({
      kind: "reserved",
    });
    expect(await ledger.reserve(attempt("c", about), [], 900, NOW + 900_000)).toMatchObject({ kind: "reserved" });
    await ledger.settle(attempt("c").callId, 1, failed, NOW + 900_000);
    expect(await ledger.reserve(attempt("d", about), [], 900, NOW + 900_001)).toMatchObject({ kind: "reserved" });
  });

  test("fifty calls at once never exceed any limit, however little the limits leave", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          calls: fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
          tokens: fc.option(fc.integer({ min: 0, max: 20_000 }), { nil: undefined }),
          usd: fc.option(fc.double({ min: 0, max: 0.2, noNaN: true }), { nil: undefined }),
        }),
        fc.infiniteStream(fc.integer({ min: 1, max: 100 })),
        async (budget, outputs) => {
          const { ledger, tenant } = fresh();
          const spent = { calls: 0, tokens: 0, usd: 0 };
          const model = scriptedLlm(
            (request: LlmRequest) => {
              const usage = { inputTokens: 50, outputTokens: Math.min(request.maxOutputTokens, outputs.next().value) };
              spent.calls++;
              spent.tokens += usage.inputTokens + usage.outputTokens;
              spent.usd += (usage.inputTokens * 100 + usage.outputTokens * 500) / 1e6;
              return { reply: { text: "x", usage } };
            },
            { model: "dear" },
          );
          const adviser = createAdviser({
            providers: [model],
            ledger,
            clock: systemClock,
            log: silentLogger,
            concurrency: 50,
            budgets: { tenant: budget },
            prices: { version: "test", models: { dear: { input: 100, output: 500 } } },
          });
          const request: LlmRequest = {
            prompt,
            system: "s",
            messages: [{ role: "user", text: "u" }],
            maxOutputTokens: 100,
            deadlineMs: 5_000,
          };
          const advices = await Promise.all(
            Array.from({ length: 50 }, (_, n) => adviser.advise(request, { callId: `${tenant}/${n}`, tenant, incidentId: tenant })),
          );
          expect(spent.calls).toBeLessThanOrEqual(budget.calls ?? 50);
          expect(spent.tokens).toBeLessThanOrEqual(budget.tokens ?? Number.POSITIVE_INFINITY);
          expect(spent.usd).toBeLessThanOrEqual((budget.usd ?? Number.POSITIVE_INFINITY) + 1e-9);
          expect(advices.filter(({ kind }) => kind === "reply")).toHaveLength(spent.calls);
          expect(advices.every((advice) => advice.kind === "reply" || advice.reason === "budget")).toBe(true);
        },
      ),
      { numRuns },
    );
  });
});
