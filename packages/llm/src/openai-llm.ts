import OpenAI from "openai";
import { withJson } from "./answer-json.ts";
import { disconnected, overloaded, setupInvalid } from "./errors.ts";
import { faultOfCheck, startExchange } from "./exchange.ts";
import { guardedFetch } from "./guarded-fetch.ts";
import type { LlmMessage, LlmPort, LlmReply, LlmRequest } from "./llm-port.ts";
import { isStrict, portableSchema } from "./portable-schema.ts";
import { inputTokensAbout, outputTokensAbout } from "./token-estimate.ts";
import { finishToolCall, type ToolCallDraft } from "./tool-calls.ts";

const PROVIDER = "openai";

export interface OpenAiOptions {
  readonly model: string | undefined;
  /** Servers of one's own (vLLM, llama.cpp) want none. */
  readonly apiKey: string | undefined;
  /** With its path, e.g. `https://api.deepseek.com/v1`. Default OpenAI's own. A query (`?api-version=…`) goes with each request. */
  readonly baseUrl?: string;
}

/** Where providers that call themselves compatible differ. */
interface Quirks {
  /** OpenAI and Azure refuse `max_tokens` and a temperature for newer models; the others know only that. */
  readonly isReasoning: boolean;
  /** DeepSeek has no JSON schema, only "some JSON": the schema goes into the system prompt. */
  readonly schemaInPrompt: boolean;
  /** Azure takes the key in a header of its own. */
  readonly keyHeader: boolean;
}

export function quirksOf(host: string): Quirks {
  const azure = /\.azure\.com$/.test(host);
  return { isReasoning: azure || host === "api.openai.com", schemaInPrompt: /(^|\.)deepseek\.com$/.test(host), keyHeader: azure };
}

const STOPS: Readonly<Record<string, LlmReply["stop"]>> = {
  stop: "end",
  length: "length",
  tool_calls: "tool",
  function_call: "tool",
  content_filter: "refusal",
};

/** Any server that speaks OpenAI's chat completions, always streamed. @throws AppError `LLM_SETUP_INVALID` */
export function openAiLlm({ model, apiKey, baseUrl = "https://api.openai.com/v1" }: OpenAiOptions): LlmPort {
  if (model === undefined) throw setupInvalid(PROVIDER, "no model", "set TOCSIN_LLM_MODEL to what the server calls it");
  const url = new URL(baseUrl);
  if (url.host === "api.openai.com" && apiKey === undefined) {
    throw setupInvalid(PROVIDER, model, "set TOCSIN_LLM_API_KEY, TOCSIN_LLM_API_KEY_FILE or OPENAI_API_KEY");
  }
  const quirks = quirksOf(url.hostname);
  const provider = /(^|\.)deepseek\.com$/.test(url.hostname) ? "deepseek" : PROVIDER;
  // Everything that the SDK would read from the environment is given, so that a stray variable sends no prompt or key elsewhere.
  const client = new OpenAI({
    apiKey: apiKey ?? "none",
    adminAPIKey: null,
    organization: null,
    project: null,
    baseURL: `${url.origin}${url.pathname.replace(/\/$/, "")}`,
    defaultQuery: Object.fromEntries(url.searchParams),
    ...(quirks.keyHeader && apiKey !== undefined ? { defaultHeaders: { "api-key": apiKey } } : {}),
    maxRetries: 0,
    timeout: 10 * 60_000,
    logLevel: "off",
    fetch: guardedFetch(provider, model, /^(text\/event-stream|application\/json)/),
  });

  return {
    provider,
    model,
    async complete(request) {
      const exchange = startExchange(provider, model, request);
      try {
        const { data: stream, request_id: requestId } = await client.chat.completions
          .create(bodyOf(model, request, quirks), { signal: exchange.signal })
          .withResponse();
        exchange.answered();
        let answering = model;
        let stop: LlmReply["stop"] | undefined;
        let finish: string | undefined;
        let usage: OpenAI.CompletionUsage | undefined;
        let refused = false;
        const drafts: ToolCallDraft[] = [];
        for await (const chunk of stream) {
          answering = chunk.model || answering;
          usage = chunk.usage ?? usage;
          const choice = chunk.choices?.[0];
          if (choice === undefined) continue;
          exchange.hear(choice.delta?.content ?? "");
          if (choice.delta?.refusal) refused = true;
          for (const { index, id, function: called } of choice.delta?.tool_calls ?? []) {
            drafts[index] ??= { id: id ?? `call_${index}`, name: "", json: "" };
            const draft = drafts[index];
            draft.name += called?.name ?? "";
            draft.json += called?.arguments ?? "";
            exchange.count(called?.arguments ?? "");
          }
          finish = choice.finish_reason ?? finish;
          stop = STOPS[finish ?? ""] ?? stop;
        }
        exchange.check();
        const reason = finish ?? "the stream ended before the answer";
        if (finish === "insufficient_system_resource") throw overloaded({ provider, model, reason });
        if (stop === undefined) throw disconnected({ provider, model, reason });
        const toolCalls = drafts.filter((draft) => draft !== undefined).map((draft) => finishToolCall(provider, model, draft));
        const cached = usage?.prompt_tokens_details?.cached_tokens ?? 0;
        return withJson(request, {
          text: exchange.text,
          toolCalls,
          // Some servers say `stop` although they call a tool.
          stop: refused ? "refusal" : toolCalls.length > 0 ? "tool" : stop,
          usage:
            usage === undefined
              ? { inputTokens: inputTokensAbout(request), outputTokens: outputTokensAbout(exchange.text), estimated: true }
              : {
                  inputTokens: usage.prompt_tokens,
                  outputTokens: usage.completion_tokens,
                  ...(cached === 0 ? {} : { cachedInputTokens: cached }),
                },
          provider,
          model: answering,
          ...(requestId ? { requestId } : {}),
        });
      } catch (error) {
        // Azure's filter answers a prompt it does not like with a 400.
        if ((error as { status?: unknown; code?: unknown }).status === 400 && (error as { code?: unknown }).code === "content_filter") {
          return { text: "", toolCalls: [], stop: "refusal", usage: { inputTokens: 0, outputTokens: 0 }, provider, model };
        }
        throw exchange.faultOf(error);
      } finally {
        exchange.end();
      }
    },
    async check(signal) {
      // A list that lacks the model proves nothing: some servers list deployments, some aliases, some nothing.
      await client.models.list({ signal }).catch((error: unknown) => {
        throw faultOfCheck(provider, model, error, signal);
      });
    },
    async close() {},
  };
}

function bodyOf(model: string, request: LlmRequest, quirks: Quirks): OpenAI.ChatCompletionCreateParamsStreaming {
  const { schema, tools, maxOutputTokens, temperature } = request;
  const shape = schema && portableSchema(schema.schema);
  const system =
    shape && quirks.schemaInPrompt
      ? `${request.system}\n\nAnswer with one JSON object of this JSON Schema:\n${JSON.stringify(shape)}`
      : request.system;
  return {
    model,
    messages: [{ role: "system", content: system }, ...request.messages.map(messageOf)],
    stream: true,
    stream_options: { include_usage: true },
    ...(quirks.isReasoning ? { max_completion_tokens: maxOutputTokens } : { max_tokens: maxOutputTokens }),
    ...(temperature === undefined || quirks.isReasoning ? {} : { temperature }),
    ...(schema === undefined || shape === undefined
      ? {}
      : {
          response_format: quirks.schemaInPrompt
            ? { type: "json_object" }
            : { type: "json_schema", json_schema: { name: schema.name, schema: shape, strict: isStrict(shape) } },
        }),
    ...(tools === undefined
      ? {}
      : {
          tools: tools.map(({ name, description, parameters }) => ({
            type: "function",
            function: { name, description, parameters: portableSchema(parameters) },
          })),
        }),
  };
}

function messageOf({ role, text, toolCalls, toolCallId }: LlmMessage): OpenAI.ChatCompletionMessageParam {
  if (role === "tool") return { role, content: text, tool_call_id: toolCallId ?? "" };
  if (role === "user") return { role, content: text };
  if (toolCalls === undefined || toolCalls.length === 0) return { role, content: text };
  return {
    role,
    content: text,
    tool_calls: toolCalls.map((call) => ({
      id: call.id,
      type: "function",
      function: { name: call.name, arguments: JSON.stringify(call.arguments) },
    })),
  };
}
