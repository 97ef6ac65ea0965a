import type { LlmRequest } from "../src/llm-port.ts";

/** A request like the product's, with what a test wants otherwise. */
export const request = (over: Partial<LlmRequest> = {}): LlmRequest => ({
  prompt: { name: "narrate", version: 1, hash: "sha256:00" },
  system: "You explain incidents.",
  messages: [{ role: "user", text: "What happened?" }],
  maxOutputTokens: 200,
  deadlineMs: 5_000,
  ...over,
});
