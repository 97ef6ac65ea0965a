import { silentLogger } from "@tocsin/runtime";
import { fakeClock } from "@tocsin/testkit";
import { expect, test } from "vitest";
import { type AdviserOptions, createAdviser } from "../src/create-adviser.ts";
import type { LlmRequest } from "../src/llm-port.ts";
import { memoryLedger } from "../src/memory-ledger.ts";
import { scriptedLlm } from "../src/scripted-llm.ts";
import { request } from "./request.ts";

function setUp(options: Partial<AdviserOptions> = {}) {
  const clock = fakeClock();
  const asked: LlmRequest[] = [];
  const model = scriptedLlm(
    (one) => {
      asked.push(one);
      return { reply: { text: "because" } };
    },
    { clock },
  );
  const ledger = memoryLedger();
  const adviser = createAdviser({ providers: [model], ledger, clock, log: silentLogger, ...options });
  return { adviser, asked, clock, ledger };
}

test("answers a question once and the same question from its record", async () => {
  const { adviser, asked } = setUp();
  const first = await adviser.advise(request(), { callId: "a", tenant: "t" });
  const second = await adviser.advise(request(), { callId: "a", tenant: "t" });
  expect(first).toMatchObject({ kind: "reply", fromRecord: false, reply: { text: "because" } });
  expect(second).toMatchObject({ kind: "reply", fromRecord: true, reply: { text: "because" } });
  expect(asked).toHaveLength(1);
});

test("without a provider says that none is configured", async () => {
  const { adviser } = setUp({ providers: [] });
  expect(adviser.isConfigured).toBe(false);
  expect(await adviser.advise(request(), { callId: "a", tenant: "t" })).toEqual({
    kind: "skipped",
    reason: "none",
    text: "no model: none is configured",
  });
});
