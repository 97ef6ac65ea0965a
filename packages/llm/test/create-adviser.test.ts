import { AppError, silentLogger } from "@tocsin/runtime";
import { fakeClock } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { type AdviserOptions, createAdviser } from "../src/create-adviser.ts";
import type { LlmRequest } from "../src/llm-port.ts";
import { memoryLedger } from "../src/memory-ledger.ts";
import { type ScriptEntry, scriptedLlm } from "../src/scripted-llm.ts";
import { request } from "./request.ts";

type Answer = (request: LlmRequest) => ScriptEntry | Promise<ScriptEntry>;
const says = (text: string): ScriptEntry => ({ reply: { text, usage: { inputTokens: 100, outputTokens: 10 } } });
const fails = (code: string, more: object = {}): ScriptEntry => ({ error: { code, ...more } });
const occasion = (callId: string, more: object = {}) => ({ callId, tenant: "t", incidentId: "inc_1", ...more });

function setUp(answers: readonly Answer[], options: Partial<AdviserOptions> = {}) {
  const clock = fakeClock();
  const asked: { provider: number; request: LlmRequest }[] = [];
  const providers = answers.map((answer, provider) =>
    scriptedLlm(
      (one) => {
        asked.push({ provider, request: one });
        return answer(one);
      },
      { model: `m${provider}`, clock },
    ),
  );
  const ledger = memoryLedger();
  const registry = new Registry();
  const adviser = createAdviser({ providers, ledger, clock, registry, log: silentLogger, ...options });
  const metric = async (name: string) => (await registry.getSingleMetricAsString(name)).split("\n").filter((line) => !line.startsWith("#"));
  return { adviser, asked, clock, ledger, metric, order: () => asked.map(({ provider }) => provider) };
}

describe("a question", () => {
  test("is asked once and answered from its record from then on", async () => {
    const { adviser, asked } = setUp([() => says("because")], { prices: { version: "v", models: { m0: { input: 10, output: 100 } } } });
    const first = await adviser.advise(request(), occasion("a"));
    expect(first).toMatchObject({ kind: "reply", fromRecord: false, costUsd: 0.002, reply: { text: "because" } });
    expect(await adviser.advise(request(), occasion("a"))).toMatchObject({ kind: "reply", fromRecord: true, costUsd: 0.002 });
    expect(asked).toHaveLength(1);
  });

  test("that is asked twice at the same time is asked once", async () => {
    const { adviser, asked } = setUp([() => says("because")]);
    const [a, b] = await Promise.all([adviser.advise(request(), occasion("a")), adviser.advise(request(), occasion("a"))]);
    expect(a).toBe(b);
    expect(asked).toHaveLength(1);
  });

  test("that was begun before a crash is never paid for again", async () => {
    const { adviser, asked, ledger, clock } = setUp([() => says("because")]);
    const { prompt } = request();
    const reserved = { tokens: 1, usd: 0, seconds: 1 };
    await ledger.reserve(
      { ...occasion("a"), attempt: 1, provider: "p", model: "m", prompt, requestDigest: "", reserved },
      [],
      0,
      clock.now(),
    );
    expect(await adviser.advise(request(), occasion("a"))).toMatchObject({ kind: "skipped", reason: "interrupted" });
    expect(asked).toEqual([]);
  });

  test("that failed stays failed, so that a resumed investigation goes the same way", async () => {
    const { adviser, asked } = setUp([() => fails("LLM_REQUEST_REJECTED")]);
    expect(await adviser.advise(request(), occasion("a"))).toMatchObject({ reason: "failed" });
    expect(await adviser.advise(request(), occasion("a"))).toMatchObject({ reason: "failed" });
    expect(asked).toHaveLength(1);
  });

  test("leaves without secrets and without what nobody sees", async () => {
    const { adviser, asked } = setUp([() => says("ok")]);
    const text = "token glpat-\u200bABCDEFGHIJKLMNOPQRST and \u202eevil";
    await adviser.advise(request({ system: text, messages: [{ role: "user", text }] }), occasion("a"));
    const sent = JSON.stringify(asked[0]?.request);
    expect(sent).not.toMatch(/ABCDEFGH|\u202e/);
    expect(sent).toContain("[redacted gitlab token]");
  });
});

describe("a skip says why", () => {
  test("none configured", async () => {
    const { adviser } = setUp([]);
    expect(adviser.isConfigured).toBe(false);
    expect(await adviser.advise(request(), occasion("a"))).toEqual({
      kind: "skipped",
      reason: "none",
      text: "no model: none is configured",
    });
  });

  test("a budget, in words for people", async () => {
    const { adviser, metric } = setUp([() => says("x")], { budgets: { incident: { calls: 2 } } });
    await adviser.advise(request(), occasion("a"));
    await adviser.advise(request(), occasion("b"));
    expect(await adviser.advise(request(), occasion("c"))).toEqual({
      kind: "skipped",
      reason: "budget",
      text: "no model: the budget of this incident is spent (2 calls of 2 calls)",
    });
    expect(await adviser.advise(request(), occasion("d", { incidentId: "inc_2" }))).toMatchObject({ kind: "reply" });
    expect(await metric("tocsin_llm_skipped_total")).toEqual(['tocsin_llm_skipped_total{reason="budget"} 1']);
  });

  test("a severity below the floor; what a person asks has none", async () => {
    const { adviser } = setUp([() => says("x")], { minSeverity: "warning" });
    expect(await adviser.advise(request(), occasion("a", { severity: "info" }))).toMatchObject({ reason: "severity" });
    expect(await adviser.advise(request(), occasion("b", { severity: "warning" }))).toMatchObject({ kind: "reply" });
    expect(await adviser.advise(request(), occasion("c"))).toMatchObject({ kind: "reply" });
  });

  test("the same trouble again within the cool-down", async () => {
    const { adviser, asked, clock } = setUp([() => says("x")], { coolDownSeconds: 60 });
    await adviser.advise(request(), occasion("a", { subject: "narrate:1" }));
    await clock.advance(59_000);
    expect(await adviser.advise(request(), occasion("b", { subject: "narrate:1" }))).toMatchObject({ reason: "cool-down" });
    await clock.advance(1_000);
    expect(await adviser.advise(request(), occasion("c", { subject: "narrate:1" }))).toMatchObject({ kind: "reply" });
    expect(asked).toHaveLength(2);
  });

  test("too many calls at a time, after a while in line", async () => {
    const { promise, resolve } = Promise.withResolvers<ScriptEntry>();
    const { adviser } = setUp([() => promise], { concurrency: 1, queueMs: 20 });
    const first = adviser.advise(request(), occasion("a"));
    expect(await adviser.advise(request(), occasion("b"))).toMatchObject({ reason: "busy" });
    resolve(says("x"));
    expect(await first).toMatchObject({ kind: "reply" });
    expect(await adviser.advise(request(), occasion("c"))).toMatchObject({ kind: "reply" });
  });

  test("a refusal, which is no fault of the provider", async () => {
    const { adviser } = setUp([() => ({ reply: { text: "", stop: "refusal" } })]);
    expect(await adviser.advise(request(), occasion("a"))).toMatchObject({ reason: "refused" });
    expect((await adviser.status()).providers).toMatchObject([{ state: "up" }]);
  });

  test("a ledger that is away: then nothing is asked", async () => {
    const down = () => Promise.reject(new AppError("STORE_UNAVAILABLE", "away", { retryable: true }));
    const ledger = { ...memoryLedger(), recall: down, reserve: down, spend: down };
    const { adviser, asked } = setUp([() => says("x")], { ledger });
    expect(await adviser.advise(request(), occasion("a"))).toMatchObject({ reason: "failed" });
    expect(asked).toEqual([]);
    expect(await adviser.status()).toMatchObject({ ledgerDown: true, spend: { day: { calls: 0 } } });
  });

  test("an answer that cannot be written down is an answer all the same", async () => {
    const ledger = { ...memoryLedger(), settle: () => Promise.reject(new Error("away")) };
    const { adviser } = setUp([() => says("x")], { ledger });
    expect(await adviser.advise(request(), occasion("a"))).toMatchObject({ kind: "reply" });
    expect(await adviser.advise(request(), occasion("a"))).toMatchObject({ reason: "interrupted" });
  });
});

describe("a chain of providers", () => {
  test("asks the next one when the first fails, and charges both", async () => {
    const { adviser, order, ledger, clock } = setUp([() => fails("LLM_OVERLOADED", { retryable: true }), () => says("second")]);
    expect(await adviser.advise(request(), occasion("a"))).toMatchObject({ kind: "reply", reply: { text: "second" } });
    expect(order()).toEqual([0, 1]);
    expect(await ledger.spend(60, clock.now())).toMatchObject([{ calls: 2, tokens: 110 }]);
  });

  test("leaves out what is down, and asks it again when its time has come", async () => {
    let good = false;
    const { adviser, order, clock, metric } = setUp([() => (good ? says("first") : fails("LLM_KEY_REFUSED")), () => says("second")]);
    await adviser.advise(request(), occasion("a"));
    await adviser.advise(request(), occasion("b"));
    expect(order()).toEqual([0, 1, 1]);
    expect((await adviser.status()).providers).toMatchObject([{ state: "down", code: "LLM_KEY_REFUSED" }, { state: "up" }]);
    expect(await metric("tocsin_llm_up")).toContain('tocsin_llm_up{provider="scripted",model="m0"} 0');
    good = true;
    await clock.advance(300_000);
    expect(await adviser.advise(request(), occasion("c"))).toMatchObject({ reply: { text: "first" } });
    expect((await adviser.status()).providers).toMatchObject([{ state: "up" }, { state: "up" }]);
  });

  test("says that all are down, with the reason of the first", async () => {
    const { adviser, order } = setUp([() => fails("LLM_UNPAID")]);
    await adviser.advise(request(), occasion("a"));
    expect(await adviser.advise(request(), occasion("b"))).toMatchObject({
      reason: "breaker",
      text: expect.stringMatching(/^no model: .*LLM_UNPAID/),
    });
    expect(order()).toEqual([0]);
  });

  test("waits once for a provider that asks for a moment, and not for one that asks for a minute", async () => {
    let times = 0;
    const { adviser, clock, order } = setUp([
      () => (times++ === 0 ? fails("LLM_RATE_LIMITED", { retryable: true, retryAfterMs: 2_000 }) : says("first")),
      () => says("second"),
    ]);
    const answer = adviser.advise(request(), occasion("a"));
    while (clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(2_100);
    expect(await answer).toMatchObject({ reply: { text: "first" } });
    const impatient = setUp([() => fails("LLM_RATE_LIMITED", { retryable: true, retryAfterMs: 60_000 }), () => says("second")]);
    expect(await impatient.adviser.advise(request(), occasion("a"))).toMatchObject({ reply: { text: "second" } });
    expect([order(), impatient.order()]).toEqual([
      [0, 0],
      [0, 1],
    ]);
  });

  test("falls back to a provider that the budget still allows", async () => {
    const prices = { version: "v", models: { m0: { input: 1_000, output: 1_000 } } };
    const { adviser, order } = setUp([() => says("dear"), () => says("cheap")], { prices, budgets: { day: { usd: 0.01 } } });
    expect(await adviser.advise(request(), occasion("a"))).toMatchObject({ reply: { text: "cheap" }, costUsd: 0 });
    expect(order()).toEqual([1]);
  });
});

test("a caller that gives up gets its own reason, and what it has used is charged", async () => {
  const controller = new AbortController();
  const { adviser, ledger, clock } = setUp([
    () => {
      controller.abort(new Error("the person closed the page"));
      return { delayMs: 1_000, reply: { text: "late" } };
    },
  ]);
  await expect(adviser.advise(request({ signal: controller.signal }), occasion("a"))).rejects.toThrow("the person closed the page");
  expect((await ledger.spend(60, clock.now()))[0]?.tokens).toBeGreaterThan(0);
  expect(await adviser.advise(request(), occasion("a"))).toMatchObject({ reason: "failed" });
});

test("the status shows limits with what is used, spend by tenant and unknown prices", async () => {
  const { adviser } = setUp([() => says("x")], { budgets: { hour: { calls: 5 }, incident: { usd: 1 } } });
  await adviser.advise(request(), occasion("a"));
  expect(await adviser.status()).toMatchObject({
    configured: true,
    limits: [
      { scope: "hour", what: "calls", max: 5, used: 1 },
      { scope: "incident", what: "usd", max: 1 },
    ],
    spend: { day: { calls: 1, tokens: 110 }, tenants: [{ tenant: "t", calls: 1 }] },
    ledgerDown: false,
    concurrency: { max: 2, running: 0 },
  });
});
