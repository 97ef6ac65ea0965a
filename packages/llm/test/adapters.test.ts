import { type LlmServer, startLlm } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anthropicLlm } from "../src/anthropic-llm.ts";
import { ollamaLlm } from "../src/ollama-llm.ts";
import { openAiLlm, quirksOf } from "../src/openai-llm.ts";
import { llmConformance } from "./llm-conformance.ts";
import { request } from "./request.ts";

llmConformance({ protocol: "anthropic", open: ({ url, key }, model) => anthropicLlm({ baseUrl: url, apiKey: key, model }) });
llmConformance({ protocol: "openai", open: ({ url, key }, model) => openAiLlm({ baseUrl: url, apiKey: key, model }) });
llmConformance({
  protocol: "ollama",
  open: ({ url }, model) => ollamaLlm({ baseUrl: url, apiKey: undefined, model, contextTokens: 8_192 }),
  lacks: ["key", "refusal", "kinds", "request-id", "cached"],
});

test.each([
  ["claude-haiku-4-5", { temperature: 0 }, undefined],
  ["claude-sonnet-4-6", { temperature: 0 }, "low"],
  ["claude-opus-4-8", {}, "low"],
  ["claude-sonnet-5-5", {}, "low"],
] as const)("%s is told only what it takes", async (model, sampling, effort) => {
  const server = await startLlm({ protocol: "anthropic", models: [model] });
  try {
    await anthropicLlm({ baseUrl: server.url, apiKey: server.key, model }).complete(request({ temperature: 0 }));
    const { temperature, output_config: config } = server.requests[0] as { temperature?: number; output_config: { effort?: string } };
    expect([temperature === undefined ? {} : { temperature }, config.effort]).toEqual([sampling, effort]);
  } finally {
    await server.close();
  }
});

describe("Ollama's context", () => {
  let server: LlmServer;
  beforeAll(async () => {
    server = await startLlm({ protocol: "ollama" });
  });
  afterAll(() => server?.close());
  const open = () => ollamaLlm({ baseUrl: server.url, model: "stand-in", apiKey: undefined, contextTokens: 2_048 });
  const long = request({ messages: [{ role: "user", text: "word ".repeat(6_000) }] });

  test("is set, together with how much may be said", async () => {
    await open().complete(request());
    expect(server.requests.at(-1)).toMatchObject({ truncate: false, keep_alive: "30m", options: { num_ctx: 2_048, num_predict: 200 } });
  });

  test("that a prompt fills has cut it silently", async () => {
    server.next({ kind: "reply", text: "sure", usage: { input: 7_500, output: 1 } });
    await expect(open().complete(long)).rejects.toMatchObject({ code: "LLM_PROMPT_TRUNCATED", details: { usage: { inputTokens: 2_048 } } });
  });

  test("of which only a little was read has lost the rest", async () => {
    server.next({ kind: "reply", text: "sure", usage: { input: 900, output: 1 } });
    await expect(open().complete(long)).rejects.toMatchObject({ code: "LLM_PROMPT_TRUNCATED" });
  });
});

test.each([
  ["api.openai.com", { isReasoning: true, schemaInPrompt: false, keyHeader: false }],
  ["ours.openai.azure.com", { isReasoning: true, schemaInPrompt: false, keyHeader: true }],
  ["api.deepseek.com", { isReasoning: false, schemaInPrompt: true, keyHeader: false }],
  ["10.0.0.5", { isReasoning: false, schemaInPrompt: false, keyHeader: false }],
  ["deepseek.com.evil.example", { isReasoning: false, schemaInPrompt: false, keyHeader: false }],
])("%s is known for how it differs", (host, quirks) => expect(quirksOf(host)).toEqual(quirks));
