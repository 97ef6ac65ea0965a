import { messageOf } from "@tocsin/runtime";
import { answerInvalid } from "./errors.ts";
import type { ToolCall } from "./llm-port.ts";

/** A call of a tool while its arguments stream in as pieces of JSON. */
export interface ToolCallDraft {
  id: string;
  name: string;
  json: string;
}

/** @throws AppError `LLM_ANSWER_INVALID` */
export function finishToolCall(provider: string, model: string, { id, name, json }: ToolCallDraft): ToolCall {
  try {
    return { id, name, arguments: json.trim() === "" ? {} : JSON.parse(json) };
  } catch (error) {
    throw answerInvalid({ provider, model, reason: `arguments of the tool ${name} are not JSON: ${messageOf(error)}` });
  }
}
