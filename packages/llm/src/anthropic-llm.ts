import Anthropic from "@anthropic-ai/sdk";
import { withJson } from "./answer-json.ts";
import { disconnected, setupInvalid } from "./errors.ts";
import { faultOfCheck, startExchange } from "./exchange.ts";
import { guardedFetch } from "./guarded-fetch.ts";
import type { LlmMessage, LlmPort, LlmReply, LlmRequest, ToolCall } from "./llm-port.ts";
import { portableSchema } from "./portable-schema.ts";
import { finishToolCall, type ToolCallDraft } from "./tool-calls.ts";

const PROVIDER = "anthropic";

export interface AnthropicOptions {
  readonly model: string | undefined;
  readonly apiKey: string | undefined;
  /** Default `https://api.anthropic.com`. */
  readonly baseUrl?: string;
}

const STOPS: Readonly<Record<string, LlmReply["stop"]>> = {
  end_turn: "end",
  stop_sequence: "end",
  pause_turn: "end",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_use: "tool",
  refusal: "refusal",
};

/** Newer models refuse to be told a temperature, and think unless they are told to make little effort; older ones know no effort. */
const takesTemperature = (model: string): boolean => /^claude-(?:3|[a-z]+-4-[0-6](?!\d))/.test(model);
const takesEffort = (model: string): boolean => !/^claude-(?:3|[a-z]+-4-[0-5](?!\d))/.test(model);

/** Claude over the Messages API, always streamed. @throws AppError `LLM_SETUP_INVALID` */
export function anthropicLlm({ model, apiKey, baseUrl }: AnthropicOptions): LlmPort {
  if (model === undefined) throw setupInvalid(PROVIDER, "no model", "set TOCSIN_LLM_MODEL, e.g. claude-haiku-4-5");
  if (apiKey === undefined) throw setupInvalid(PROVIDER, model, "set TOCSIN_LLM_API_KEY, TOCSIN_LLM_API_KEY_FILE or ANTHROPIC_API_KEY");
  // Everything that the SDK would read from the environment is given, so that a stray variable sends no prompt elsewhere.
  const client = new Anthropic({
    apiKey,
    baseURL: baseUrl ?? "https://api.anthropic.com",
    maxRetries: 0,
    timeout: 10 * 60_000,
    logLevel: "off",
    fetch: guardedFetch(PROVIDER, model, /^(text\/event-stream|application\/json)/),
  });

  return {
    provider: PROVIDER,
    model,
    async complete(request) {
      const exchange = startExchange(PROVIDER, model, request);
      try {
        const { data: stream, request_id: requestId } = await client.messages
          .create(bodyOf(model, request), { signal: exchange.signal })
          .withResponse();
        exchange.answered();
        let answering = model;
        let stop: LlmReply["stop"] | undefined;
        let ended = false;
        let inputTokens = 0;
        let cachedInputTokens = 0;
        let outputTokens = 0;
        const drafts = new Map<number, ToolCallDraft>();
        const toolCalls: ToolCall[] = [];
        for await (const event of stream) {
          if (event.type === "message_start") {
            answering = event.message.model;
            const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens } = event.message.usage;
            cachedInputTokens = cache_read_input_tokens ?? 0;
            inputTokens = input_tokens + cachedInputTokens + (cache_creation_input_tokens ?? 0);
          } else if (event.type === "content_block_start" && event.content_block.type === "tool_use") {
            drafts.set(event.index, { id: event.content_block.id, name: event.content_block.name, json: "" });
          } else if (event.type === "content_block_delta" && event.delta.type === "text_delta") exchange.hear(event.delta.text);
          else if (event.type === "content_block_delta" && event.delta.type === "input_json_delta") {
            exchange.count(event.delta.partial_json);
            const draft = drafts.get(event.index);
            if (draft) draft.json += event.delta.partial_json;
          } else if (event.type === "content_block_stop") {
            const draft = drafts.get(event.index);
            if (draft) toolCalls.push(finishToolCall(PROVIDER, model, draft));
          } else if (event.type === "message_delta") {
            stop = STOPS[event.delta.stop_reason ?? ""] ?? stop;
            outputTokens = event.usage.output_tokens;
          } else if (event.type === "message_stop") ended = true;
        }
        exchange.check();
        if (!ended || stop === undefined) throw disconnected({ provider: PROVIDER, model, reason: "the stream ended before the message" });
        return withJson(request, {
          text: exchange.text,
          toolCalls,
          stop,
          usage: { inputTokens, outputTokens, ...(cachedInputTokens === 0 ? {} : { cachedInputTokens }) },
          provider: PROVIDER,
          model: answering,
          ...(requestId ? { requestId } : {}),
        });
      } catch (error) {
        throw exchange.faultOf(error);
      } finally {
        exchange.end();
      }
    },
    async check(signal) {
      await client.models.retrieve(model, {}, { signal }).catch((error: unknown) => {
        throw faultOfCheck(PROVIDER, model, error, signal);
      });
    },
    async close() {},
  };
}

function bodyOf(model: string, request: LlmRequest): Anthropic.MessageCreateParamsStreaming {
  const { system, schema, tools, maxOutputTokens, temperature } = request;
  return {
    model,
    max_tokens: maxOutputTokens,
    system,
    messages: messagesOf(request.messages),
    stream: true,
    ...(temperature === undefined || !takesTemperature(model) ? {} : { temperature }),
    output_config: {
      ...(takesEffort(model) ? { effort: "low" } : {}),
      ...(schema === undefined ? {} : { format: { type: "json_schema", schema: portableSchema(schema.schema) } }),
    },
    ...(tools === undefined
      ? {}
      : {
          tools: tools.map(({ name, description, parameters }) => ({
            name,
            description,
            input_schema: portableSchema(parameters) as Anthropic.Tool.InputSchema,
          })),
        }),
  };
}

/** Results of tools are content of the user's next message there; those of one turn stand in one message. */
function messagesOf(messages: readonly LlmMessage[]): Anthropic.MessageParam[] {
  const params: { role: "user" | "assistant"; content: Anthropic.ContentBlockParam[] }[] = [];
  for (const { role, text, toolCalls = [], toolCallId } of messages) {
    const content: Anthropic.ContentBlockParam[] =
      role === "tool"
        ? [{ type: "tool_result", tool_use_id: toolCallId ?? "", content: text }]
        : text === ""
          ? []
          : [{ type: "text", text }];
    for (const call of toolCalls) content.push({ type: "tool_use", id: call.id, name: call.name, input: call.arguments });
    const as = role === "assistant" ? "assistant" : "user";
    const last = params.at(-1);
    if (last?.role === as) last.content.push(...content);
    else params.push({ role: as, content });
  }
  return params;
}
