export type { Advice, Adviser, LimitScope, LlmStatus, Occasion, ProviderStatus, SkipReason, Spend } from "./adviser.ts";
export {
  type CheckedClaims,
  type CheckOptions,
  type Claim,
  checkClaims,
  type DropReason,
  plainSentence,
  strayNumber,
} from "./check-claims.ts";
export { type AdviserOptions, type Budgets, createAdviser } from "./create-adviser.ts";
export type { Attempt, CallRecord, Limit, LlmLedger, Reservation, Settlement } from "./ledger.ts";
export type { JsonSchema, LlmMessage, LlmPort, LlmReply, LlmRequest, LlmTool, LlmUsage, PromptRef, ToolCall } from "./llm-port.ts";
export {
  fenced,
  type Masked,
  type MaskOptions,
  maskUntrusted,
  type Suspicion,
  suspicionsOf,
  visibleText,
  withPlaceholders,
} from "./mask.ts";
export { memoryLedger } from "./memory-ledger.ts";
export { type OpenAdviserOptions, openAdviser, type RunningAdviser } from "./open-adviser.ts";
export { readScript, type ScriptEntry, scriptedLlm } from "./scripted-llm.ts";
export { inToolSpan, inWorkflowSpan, type SpanSubject } from "./spans.ts";
