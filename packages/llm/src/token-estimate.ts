import type { LlmRequest } from "./llm-port.ts";

const textOf = (request: LlmRequest): number =>
  Buffer.byteLength(request.system) +
  request.messages.reduce(
    (sum, { text, toolCalls }) => sum + Buffer.byteLength(text) + Buffer.byteLength(JSON.stringify(toolCalls ?? "")),
    0,
  ) +
  Buffer.byteLength(JSON.stringify([request.schema ?? null, request.tools ?? null]));

/** Tokens that a provider adds around messages, tools and shapes. */
const FRAME_TOKENS = 400;

/**
 * The most tokens that a prompt comes to. Tokenisers make one of three to four bytes of prose, of two where a text is numbers, ids and
 * stack traces: two is what to reserve.
 */
export const inputTokensAtMost = (request: LlmRequest): number => Math.ceil(textOf(request) / 2) + FRAME_TOKENS;

/** The fewest: no tokeniser in use makes one token of more than ten bytes of such text. */
export const inputTokensAtLeast = (request: LlmRequest): number => Math.floor(textOf(request) / 10);

/** For where a provider does not say: four bytes a token. */
export const inputTokensAbout = (request: LlmRequest): number => Math.ceil(textOf(request) / 4);
export const outputTokensAbout = (text: string): number => Math.ceil(Buffer.byteLength(text) / 4);
