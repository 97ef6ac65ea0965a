// A whole process: a question to a model becomes spans at an OTLP endpoint, as OpenTelemetry's GenAI conventions and Langfuse read them.

import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Adviser, inToolSpan, inWorkflowSpan, type LlmRequest } from "@tocsin/llm";
import { silentLogger } from "@tocsin/runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { defineModule } from "../src/module.ts";
import { startHost } from "../src/run-host.ts";

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
}
interface Posted {
  readonly resourceSpans?: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

const spans: Span[] = [];
const bodies: string[] = [];
let isHolding = false;
const held: (() => void)[] = [];
const receiver = createServer((request, response) => {
  void readAll(request).then((body) => {
    bodies.push(body);
    for (const { scopeSpans } of (JSON.parse(body) as Posted).resourceSpans ?? [])
      for (const scope of scopeSpans) spans.push(...scope.spans);
    const answer = () => void response.writeHead(200, { "content-type": "application/json" }).end("{}");
    if (isHolding) held.push(answer);
    else answer();
  });
});
async function readAll(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of request) text += String(part);
  return text;
}

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
});
afterAll(() => void receiver.close());

const SECRET = "glpat-ABCDEFGHIJKLMNOPQRSTU";
const request: LlmRequest = {
  prompt: { name: "narrate", version: 3, hash: "sha256:ab" },
  system: "You explain.",
  messages: [{ role: "user", text: `What happened with ${SECRET}?` }],
  maxOutputTokens: 300,
  deadlineMs: 5_000,
  temperature: 0,
};
const subject = { incidentId: "inc_7", tenant: "shop" };

test("a run, its tools and its model calls are one trace, with tokens, cost and prompt, and no content unless asked for", async () => {
  const address = receiver.address();
  const endpoint = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  // The SDK reads the variables of the process itself.
  Object.assign(process.env, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" });
  const script = join(mkdtempSync(join(tmpdir(), "script-")), "llm.json");
  writeFileSync(
    script,
    JSON.stringify([
      { match: { prompt: "narrate" }, reply: { text: "because", usage: { inputTokens: 100, outputTokens: 10 } } },
      { error: { code: "LLM_OVERLOADED", retryable: true } },
    ]),
  );
  const prices = join(mkdtempSync(join(tmpdir(), "prices-")), "prices.json");
  writeFileSync(prices, JSON.stringify({ version: "v", models: { "claude-test": { input: 10, output: 100 } } }));
  let llm: Adviser | undefined;
  const asks = defineModule({
    name: "asks",
    config: z.object({}),
    needs: ["llm"],
    async start(context) {
      llm = context.llm;
    },
  });
  const host = await startHost({
    modules: [asks],
    log: silentLogger,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      TOCSIN_PORT: "0",
      TOCSIN_STORE_URL: "embedded:memory",
      TOCSIN_LLM_URL: `scripted:${script}#claude-test`,
      TOCSIN_LLM_PRICES_FILE: prices,
    },
  });
  await inWorkflowSpan("investigate", subject, async () => {
    await llm?.advise(request, { callId: "a", ...subject });
    await inToolSpan("query_metric", subject, async () => "0.12", "call_0");
    await llm?.advise({ ...request, prompt: { ...request.prompt, name: "ask" } }, { callId: "b", ...subject });
  });
  // An endpoint that takes and never answers: spans are dropped, nothing waits.
  isHolding = true;
  const startedAt = performance.now();
  for (let n = 0; n < 5_000; n++) await inToolSpan("flood", subject, async () => n);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  isHolding = false;
  for (const answer of held) answer();
  const metrics = await (await fetch(`${host.address}/metrics`)).text();
  await host.stop();

  const named = (name: string) => spans.filter((span) => span.name === name);
  const attributesOf = (span: Span | undefined) =>
    Object.fromEntries((span?.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]]));
  const [root] = named("invoke_workflow investigate");
  expect(attributesOf(root)).toMatchObject({
    "gen_ai.operation.name": "invoke_workflow",
    "langfuse.trace.name": "investigate",
    "session.id": "inc_7",
  });
  const [chat, failed] = named("chat claude-test");
  expect(chat).toMatchObject({ kind: 3, traceId: root?.traceId, parentSpanId: root?.spanId });
  expect(attributesOf(chat)).toMatchObject({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "scripted",
    "gen_ai.request.model": "claude-test",
    "gen_ai.request.max_tokens": 300,
    "gen_ai.response.model": "claude-test",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 10,
    "gen_ai.usage.cost": 0.002,
    "gen_ai.conversation.id": "inc_7",
    "langfuse.observation.type": "generation",
    "langfuse.observation.prompt.name": "narrate",
    "langfuse.observation.prompt.version": 3,
    "user.id": "shop",
  });
  expect(attributesOf(failed)).toMatchObject({ "error.type": "LLM_OVERLOADED", "langfuse.observation.level": "ERROR" });
  const [tool] = named("execute_tool query_metric");
  expect(tool).toMatchObject({ parentSpanId: root?.spanId });
  expect(attributesOf(tool)).toMatchObject({ "gen_ai.tool.name": "query_metric", "gen_ai.tool.call.id": "call_0" });
  expect(named("execute_tool flood").length).toBeLessThan(5_000);
  expect(bodies.join()).not.toMatch(/What happened|because|glpat/);
  expect(bodies.join()).toContain("gen_ai.client.token.usage");
  expect(metrics).toContain('tocsin_llm_tokens_total{provider="scripted",model="claude-test",direction="input"} 100');
  expect(metrics).toContain('tocsin_llm_attempts_total{provider="scripted",model="claude-test",outcome="LLM_OVERLOADED"} 1');
});
