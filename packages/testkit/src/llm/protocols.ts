// What Anthropic's Messages API, OpenAI's chat completions and Ollama's chat look like on the wire: how each streams an answer, tells an error
// and ends. Sources: platform.claude.com "Streaming messages" and "Errors"; OpenAI's and DeepSeek's API reference; ollama/ollama docs/api.md.

export interface ServedReply {
  readonly text?: string;
  readonly toolCalls?: readonly { readonly id: string; readonly name: string; readonly arguments: unknown }[];
  readonly stop?: "end" | "length" | "refusal";
  readonly usage?: { readonly input: number; readonly output: number; readonly cached?: number };
}

export interface Protocol {
  readonly path: string;
  readonly contentType: string;
  /** Sent to keep a slow connection open. */
  readonly keepAlive: string;
  /** The frames of an answer up to its end, and those that end it. */
  frames(
    model: string,
    reply: ServedReply,
    request: Record<string, unknown>,
  ): { readonly body: readonly string[]; readonly end: readonly string[] };
  /** One more piece of text, on its own. */
  piece(model: string, text: string): string;
  /** An error after HTTP 200. */
  errorFrame(type: string, message: string): string;
  errorBody(type: string, message: string): unknown;
  /** Why a request is refused before anything is answered. */
  refusal(
    headers: Record<string, unknown>,
    body: Record<string, unknown>,
    key: string,
    models: readonly string[],
  ): [number, unknown] | undefined;
}

const sse = (event: string | undefined, data: unknown): string =>
  `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
/** Two pieces, so that text and JSON arrive torn. */
const halves = (text: string): string[] => (text.length < 2 ? [text] : [text.slice(0, text.length >> 1), text.slice(text.length >> 1)]);
const usageOf = (reply: ServedReply) => ({ input: 42, output: 7, ...reply.usage });

const anthropicDelta = (index: number, delta: unknown) => sse("content_block_delta", { type: "content_block_delta", index, delta });

export const anthropic: Protocol = {
  path: "/v1/messages",
  contentType: "text/event-stream; charset=utf-8",
  keepAlive: 'event: ping\ndata: {"type": "ping"}\n\n',
  frames(model, reply) {
    const { input, output, cached = 0 } = usageOf(reply);
    const usage = { input_tokens: input - cached, cache_read_input_tokens: cached, cache_creation_input_tokens: 0, output_tokens: 1 };
    const message = { id: "msg_1", type: "message", role: "assistant", model, content: [], stop_reason: null, stop_sequence: null, usage };
    const body = [sse("message_start", { type: "message_start", message }), sse("ping", { type: "ping" })];
    let index = 0;
    if (reply.text !== undefined) {
      body.push(sse("content_block_start", { type: "content_block_start", index, content_block: { type: "text", text: "" } }));
      for (const text of halves(reply.text)) body.push(anthropicDelta(index, { type: "text_delta", text }));
      body.push(sse("content_block_stop", { type: "content_block_stop", index }));
      index++;
    }
    for (const { id, name, arguments: input } of reply.toolCalls ?? []) {
      body.push(
        sse("content_block_start", { type: "content_block_start", index, content_block: { type: "tool_use", id, name, input: {} } }),
      );
      for (const json of halves(JSON.stringify(input))) body.push(anthropicDelta(index, { type: "input_json_delta", partial_json: json }));
      body.push(sse("content_block_stop", { type: "content_block_stop", index }));
      index++;
    }
    const stop = reply.toolCalls ? "tool_use" : { end: "end_turn", length: "max_tokens", refusal: "refusal" }[reply.stop ?? "end"];
    const delta = { stop_reason: stop, stop_sequence: null };
    return {
      body,
      end: [
        sse("message_delta", { type: "message_delta", delta, usage: { output_tokens: output } }),
        sse("message_stop", { type: "message_stop" }),
      ],
    };
  },
  piece: (_model, text) => anthropicDelta(0, { type: "text_delta", text }),
  errorFrame: (type, message) => sse("error", { type: "error", error: { type, message }, request_id: "req_1" }),
  errorBody: (type, message) => ({ type: "error", error: { type, message }, request_id: "req_1" }),
  refusal(headers, body, key, models) {
    const error = (type: string, message: string) => anthropic.errorBody(type, message);
    if (headers["x-api-key"] !== key && headers["authorization"] !== `Bearer ${key}`)
      return [401, error("authentication_error", "invalid x-api-key")];
    if (headers["anthropic-version"] === undefined) return [400, error("invalid_request_error", "anthropic-version: header is required")];
    if (body["model"] !== undefined && !models.includes(String(body["model"])))
      return [404, error("not_found_error", `model: ${body["model"]}`)];
    if (body["messages"] !== undefined && typeof body["max_tokens"] !== "number")
      return [400, error("invalid_request_error", "max_tokens: Field required")];
    const roles = ((body["messages"] ?? []) as { role: string }[]).map(({ role }) => role);
    if (roles.some((role) => role !== "user" && role !== "assistant"))
      return [400, error("invalid_request_error", "messages: unexpected role")];
    return undefined;
  },
};

const chunk = (model: string, delta: unknown, finish: string | null = null) =>
  sse(undefined, {
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1,
    model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  });

export const openai: Protocol = {
  path: "/v1/chat/completions",
  contentType: "text/event-stream",
  keepAlive: ": keep-alive\n\n",
  frames(model, reply, request) {
    const { input, output, cached = 0 } = usageOf(reply);
    const body = [chunk(model, { role: "assistant", content: "" })];
    for (const content of halves(reply.text ?? "")) body.push(chunk(model, { content }));
    for (const [index, { id, name, arguments: args }] of (reply.toolCalls ?? []).entries()) {
      body.push(chunk(model, { tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] }));
      for (const json of halves(JSON.stringify(args))) body.push(chunk(model, { tool_calls: [{ index, function: { arguments: json } }] }));
    }
    const finish = reply.toolCalls ? "tool_calls" : { end: "stop", length: "length", refusal: "content_filter" }[reply.stop ?? "end"];
    const usage = {
      prompt_tokens: input,
      completion_tokens: output,
      total_tokens: input + output,
      prompt_tokens_details: { cached_tokens: cached },
    };
    const wantsUsage = (request["stream_options"] as { include_usage?: boolean } | undefined)?.include_usage === true;
    const last = wantsUsage
      ? [sse(undefined, { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model, choices: [], usage })]
      : [];
    return { body, end: [chunk(model, {}, finish), ...last, "data: [DONE]\n\n"] };
  },
  piece: (model, content) => chunk(model, { content }),
  errorFrame: (type, message) => sse(undefined, { error: { message, type, param: null, code: type } }),
  errorBody: (type, message) => ({ error: { message, type, param: null, code: type } }),
  refusal(headers, body, key, models) {
    if (headers["authorization"] !== `Bearer ${key}`) return [401, openai.errorBody("invalid_api_key", "Incorrect API key provided")];
    if (body["model"] !== undefined && !models.includes(String(body["model"])))
      return [404, openai.errorBody("model_not_found", `The model ${body["model"]} does not exist`)];
    return undefined;
  },
};

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

export const ollama: Protocol = {
  path: "/api/chat",
  contentType: "application/x-ndjson",
  keepAlive: "\n",
  frames(model, reply, request) {
    const options = (request["options"] ?? {}) as { num_ctx?: number };
    const { input, output } = usageOf(reply);
    const created_at = "2026-01-01T00:00:00Z";
    const body = halves(reply.text ?? "").map((content) =>
      line({ model, created_at, message: { role: "assistant", content }, done: false }),
    );
    if (reply.toolCalls) {
      const tool_calls = reply.toolCalls.map(({ name, arguments: args }) => ({ function: { name, arguments: args } }));
      body.push(line({ model, created_at, message: { role: "assistant", content: "", tool_calls }, done: false }));
    }
    const last = {
      model,
      created_at,
      message: { role: "assistant", content: "" },
      done: true,
      done_reason: reply.stop === "length" ? "length" : "stop",
      // As much as fits is what it reads; the rest is cut without a word.
      prompt_eval_count: Math.min(input, options.num_ctx ?? 4_096),
      eval_count: output,
    };
    return { body, end: [line(last)] };
  },
  piece: (model, content) => line({ model, created_at: "2026-01-01T00:00:00Z", message: { role: "assistant", content }, done: false }),
  errorFrame: (_type, message) => line({ error: message }),
  errorBody: (_type, message) => ({ error: message }),
  refusal(_headers, body, _key, models) {
    if (!models.includes(String(body["model"]))) return [404, { error: `model '${body["model"]}' not found` }];
    return undefined;
  },
};
