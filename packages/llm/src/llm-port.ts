// Terms. A *provider* is who runs models (Anthropic, an Ollama host, any OpenAI-compatible one). A *request* is one question with the prompt
// it was made from; a *reply* is what came back and what it used. Everything here may fail, be slow, or lie: no caller may need an answer.

/** The prompt file a request was made from: shown beside what it produced. */
export interface PromptRef {
  readonly name: string;
  readonly version: number;
  /** `sha256:…` of the file. */
  readonly hash: string;
}

export interface LlmMessage {
  readonly role: "user" | "assistant" | "tool";
  readonly text: string;
  /** On an assistant's message: what it asked for. */
  readonly toolCalls?: readonly ToolCall[];
  /** On a tool's message: which call it answers. */
  readonly toolCallId?: string;
}

export interface LlmTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments, an object. */
  readonly parameters: JsonSchema;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: unknown;
}

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface LlmRequest {
  readonly prompt: PromptRef;
  readonly system: string;
  readonly messages: readonly LlmMessage[];
  /** The closed shape of the answer; `reply.json` is parsed against it by the provider where it can, and always by the caller. */
  readonly schema?: { readonly name: string; readonly schema: JsonSchema };
  readonly tools?: readonly LlmTool[];
  readonly maxOutputTokens: number;
  /** For the whole answer: a connection that is kept alive with blank lines ends too. */
  readonly deadlineMs: number;
  readonly temperature?: number;
  readonly signal?: AbortSignal;
  /** Called with each piece of text as it arrives. */
  readonly onText?: (text: string) => void;
}

export interface LlmUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** A part of `inputTokens`. */
  readonly cachedInputTokens?: number;
  /** The provider did not say; counted by us. */
  readonly estimated?: true;
}

export interface LlmReply {
  readonly text: string;
  /** The parsed answer when the request named a schema. */
  readonly json?: unknown;
  readonly toolCalls: readonly ToolCall[];
  readonly stop: "end" | "length" | "tool" | "refusal";
  readonly usage: LlmUsage;
  readonly provider: string;
  /** As the provider named it in its answer. */
  readonly model: string;
  readonly requestId?: string;
}

/** One provider and model. Errors are `AppError`s `LLM_*`, see errors.ts. */
export interface LlmPort {
  /** `anthropic`, `ollama`, `openai` or `scripted`. */
  readonly provider: string;
  readonly model: string;
  complete(request: LlmRequest): Promise<LlmReply>;
  /** Costs nothing: is the provider there, is the key good, is the model known? Loads it where that takes time. Throws as `complete` does. */
  check?(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
