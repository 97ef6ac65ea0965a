export type { Advice, Adviser, Occasion, SkipReason } from "./adviser.ts";
export type { JsonSchema, LlmMessage, LlmPort, LlmReply, LlmRequest, LlmTool, LlmUsage, PromptRef, ToolCall } from "./llm-port.ts";
