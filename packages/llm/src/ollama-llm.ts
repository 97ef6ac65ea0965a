import * as z from "zod";
import { withJson } from "./answer-json.ts";
import { answerGarbled, disconnected, faultOfStatus, promptTruncated, setupInvalid, unavailable } from "./errors.ts";
import { faultOfCheck, readRetryAfter, startExchange } from "./exchange.ts";
import { guardedFetch } from "./guarded-fetch.ts";
import type { LlmMessage, LlmPort, LlmRequest, ToolCall } from "./llm-port.ts";
import { portableSchema } from "./portable-schema.ts";
import { inputTokensAtLeast } from "./token-estimate.ts";

const PROVIDER = "ollama";
/** A model that leaves the memory has to be loaded again, which takes longer than an incident likes. */
const KEEP_ALIVE = "30m";
/** A line of a stream holds a token or a few, the last one some figures. */
const MAX_LINE_CHARS = 4 * 1024 * 1024;

export interface OllamaOptions {
  /** `http://127.0.0.1:11434` */
  readonly baseUrl: string;
  readonly model: string | undefined;
  /** For a proxy in front of it. */
  readonly apiKey: string | undefined;
  /** How much the model is given to read and write. Ollama's own default is 4,096, beyond which it cuts silently. */
  readonly contextTokens: number;
}

/** One line of the stream. */
const Chunk = z.looseObject({
  model: z.string().optional(),
  message: z
    .looseObject({
      content: z.string().optional(),
      tool_calls: z
        .array(z.looseObject({ id: z.string().optional(), function: z.looseObject({ name: z.string(), arguments: z.unknown() }) }))
        .optional(),
    })
    .optional(),
  done: z.boolean().optional(),
  done_reason: z.string().optional(),
  prompt_eval_count: z.number().optional(),
  eval_count: z.number().optional(),
  error: z.string().optional(),
});

/** Models on one's own machines. @throws AppError `LLM_SETUP_INVALID` */
export function ollamaLlm({ baseUrl, model, apiKey, contextTokens }: OllamaOptions): LlmPort {
  if (model === undefined) throw setupInvalid(PROVIDER, "no model", "set TOCSIN_LLM_MODEL, e.g. qwen3:8b");
  const origin = baseUrl.replace(/\/$/, "");
  const fetchGuarded = guardedFetch(PROVIDER, model, /^application\/(x-ndjson|json)/);
  const headers = { "content-type": "application/json", ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }) };

  async function post(path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    const response = await fetchGuarded(`${origin}${path}`, { method: "POST", headers, body: JSON.stringify(body), signal });
    if (response.ok) return response;
    const text = await response.text();
    const retryAfterMs = readRetryAfter(response.headers, Date.now());
    throw faultOfStatus({
      provider: PROVIDER,
      model: model as string,
      status: response.status,
      reason: reasonOf(text),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }

  return {
    provider: PROVIDER,
    model,
    async complete(request) {
      const exchange = startExchange(PROVIDER, model, request);
      try {
        const response = await post("/api/chat", bodyOf(model, request, contextTokens), exchange.signal);
        exchange.answered();
        const toolCalls: ToolCall[] = [];
        let last: z.output<typeof Chunk> | undefined;
        for await (const chunk of chunksOf(response, model)) {
          if (chunk.error !== undefined) throw unavailable({ provider: PROVIDER, model, reason: chunk.error });
          exchange.hear(chunk.message?.content ?? "");
          for (const { id, function: called } of chunk.message?.tool_calls ?? []) {
            exchange.count(JSON.stringify(called.arguments ?? ""));
            toolCalls.push({ id: id ?? `call_${toolCalls.length}`, name: called.name, arguments: called.arguments ?? {} });
          }
          last = chunk;
        }
        exchange.check();
        if (last?.done !== true) throw disconnected({ provider: PROVIDER, model, reason: "the stream ended before the answer" });
        const inputTokens = last.prompt_eval_count ?? 0;
        const usage = { inputTokens, outputTokens: last.eval_count ?? 0 };
        // It cuts the oldest of what it was sent to fit and says nothing: what it read then fills its context, or is far less than was sent.
        const atLeast = inputTokensAtLeast(request);
        if (inputTokens >= contextTokens - 1 || atLeast > contextTokens || (inputTokens > 0 && inputTokens < atLeast)) {
          const reason = `it read ${inputTokens} tokens of at least ${atLeast}, its context holds ${contextTokens}`;
          throw promptTruncated({ provider: PROVIDER, model, reason, usage });
        }
        return withJson(request, {
          text: exchange.text,
          toolCalls,
          stop: toolCalls.length > 0 ? "tool" : last.done_reason === "length" ? "length" : "end",
          usage,
          provider: PROVIDER,
          model: last.model ?? model,
        });
      } catch (error) {
        throw exchange.faultOf(error);
      } finally {
        exchange.end();
      }
    },
    async check(signal) {
      // A chat without messages loads the model: the first question does not wait for that.
      const body = { model, messages: [], stream: false, keep_alive: KEEP_ALIVE, options: { num_ctx: contextTokens } };
      const response = await post("/api/chat", body, signal).catch((error: unknown) => {
        throw faultOfCheck(PROVIDER, model, error, signal);
      });
      await response.body?.cancel();
    },
    async close() {},
  };
}

function bodyOf(model: string, request: LlmRequest, contextTokens: number): object {
  const { system, schema, tools, maxOutputTokens, temperature } = request;
  return {
    model,
    stream: true,
    keep_alive: KEEP_ALIVE,
    // Newer versions then refuse instead of cutting; older ones do not know the field.
    truncate: false,
    messages: [{ role: "system", content: system }, ...request.messages.map((message) => messageOf(message, request.messages))],
    options: { num_ctx: contextTokens, num_predict: maxOutputTokens, ...(temperature === undefined ? {} : { temperature }) },
    ...(schema === undefined ? {} : { format: portableSchema(schema.schema) }),
    ...(tools === undefined
      ? {}
      : {
          tools: tools.map(({ name, description, parameters }) => ({ type: "function", function: { name, description, parameters } })),
        }),
  };
}

function messageOf({ role, text, toolCalls, toolCallId }: LlmMessage, all: readonly LlmMessage[]): object {
  if (role === "tool") {
    // The answer to a call names the tool, not the call.
    const called = all.flatMap((message) => message.toolCalls ?? []).find(({ id }) => id === toolCallId);
    return { role, content: text, tool_name: called?.name ?? toolCallId };
  }
  const calls = toolCalls?.map((call) => ({ function: { name: call.name, arguments: call.arguments } }));
  return { role, content: text, ...(calls === undefined ? {} : { tool_calls: calls }) };
}

async function* chunksOf(response: Response, model: string): AsyncGenerator<z.output<typeof Chunk>> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of response.body ?? []) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_CHARS) throw answerGarbled({ provider: PROVIDER, model, reason: "a line without end" });
    for (const line of lines) if (line.trim() !== "") yield readChunk(line, model);
  }
  rest += decoder.decode();
  if (rest.trim() !== "") yield readChunk(rest, model);
}

function readChunk(line: string, model: string): z.output<typeof Chunk> {
  try {
    return Chunk.parse(JSON.parse(line));
  } catch (cause) {
    throw answerGarbled({ provider: PROVIDER, model, reason: line.slice(0, 200), cause });
  }
}

function reasonOf(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === "string" ? error : body;
  } catch {
    return body.slice(0, 300);
  }
}
