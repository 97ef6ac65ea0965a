import { messageOf } from "@tocsin/runtime";
import { answerInvalid } from "./errors.ts";
import type { LlmReply, LlmRequest } from "./llm-port.ts";

/** The text without the Markdown fence that models like to put around JSON. */
const unfenced = (text: string): string => /^\s*```(?:json)?\s*\n([\s\S]*?)\n?```\s*$/.exec(text)?.[1] ?? text;

/**
 * The reply with its text parsed when a shape was asked for. A refusal and a call of tools have none.
 * @throws AppError `LLM_ANSWER_INVALID`
 */
export function withJson(request: LlmRequest, reply: LlmReply): LlmReply {
  if (request.schema === undefined || reply.json !== undefined || reply.stop === "refusal" || reply.toolCalls.length > 0) return reply;
  try {
    return { ...reply, json: JSON.parse(unfenced(reply.text)) };
  } catch (error) {
    const cut = reply.stop === "length" ? "it was cut off at the limit of tokens" : messageOf(error);
    const { provider, model, usage } = reply;
    throw answerInvalid({ provider, model, usage, reason: `not JSON (${cut}): ${reply.text.slice(0, 200)}` });
  }
}
