// The same facts over every provider's protocol: an answer comes whole or an error says what happened, within the deadline, and nothing stays open.
import { AppError } from "@tocsin/runtime";
import { eventually, type LlmBehaviour, type LlmProtocol, type LlmServer, startLlm } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LlmPort, LlmRequest } from "../src/llm-port.ts";
import { request } from "./request.ts";

export interface Subject {
  readonly protocol: LlmProtocol;
  open(server: { readonly url: string; readonly key: string }, model: string): LlmPort;
  /** What the protocol cannot tell apart or does not have. */
  readonly lacks?: readonly ("key" | "refusal" | "kinds" | "request-id" | "cached")[];
}

const SCHEMA = {
  name: "answer",
  schema: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: { cause: { type: "string", minLength: 1 }, share: { type: "number", maximum: 1 } },
    required: ["cause", "share"],
  },
};
const TOOL = {
  name: "query",
  description: "Asks for a metric",
  parameters: { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
};
const DEADLINE_MS = 400;

export function llmConformance({ protocol, open, lacks = [] }: Subject): void {
  describe(`over the protocol of ${protocol}`, () => {
    let server: LlmServer;
    let port: LlmPort;
    beforeAll(async () => {
      server = await startLlm({ protocol });
      port = open(server, "stand-in");
    });
    afterAll(() => server?.close());

    const ask = (behaviour: LlmBehaviour, over: Partial<LlmRequest> = {}) => {
      server.next(behaviour);
      return port.complete(request(over));
    };
    const errorOf = async (behaviour: LlmBehaviour, over: Partial<LlmRequest> = {}): Promise<AppError> => {
      const error: unknown = await ask(behaviour, over).then(
        (reply) => reply,
        (thrown: unknown) => thrown,
      );
      if (!AppError.is(error)) throw new Error(`no error of ours: ${JSON.stringify(error) ?? String(error)}`);
      return error;
    };
    const fault = async (behaviour: LlmBehaviour, over?: Partial<LlmRequest>) => {
      const { code, retryable, details } = await errorOf(behaviour, over);
      return { code, retryable, ...("retryAfterMs" in details ? { retryAfterMs: details["retryAfterMs"] } : {}) };
    };

    test("streams the text and says what it cost", async () => {
      const pieces: string[] = [];
      const reply = await ask(
        { kind: "reply", text: "pool exhausted: Ünïcödé ✓", usage: { input: 120, output: 9 } },
        { onText: (piece) => pieces.push(piece) },
      );
      expect(reply).toMatchObject({
        text: "pool exhausted: Ünïcödé ✓",
        stop: "end",
        toolCalls: [],
        model: "stand-in",
        usage: { inputTokens: 120, outputTokens: 9 },
      });
      expect(pieces.length).toBeGreaterThan(1);
      expect(pieces.join("")).toBe(reply.text);
      if (!lacks.includes("request-id")) expect(reply.requestId).toBe("req_1");
      expect(server.requests.at(-1)).toMatchObject({ model: "stand-in", stream: true });
    });

    test.skipIf(lacks.includes("cached"))("counts cached input as a part of the input", async () => {
      const { usage } = await ask({ kind: "reply", text: "x", usage: { input: 100, output: 1, cached: 80 } });
      expect(usage).toEqual({ inputTokens: 100, outputTokens: 1, cachedInputTokens: 80 });
    });

    test("asks for a shape, closed and without what providers refuse, and parses it", async () => {
      const reply = await ask({ kind: "reply", text: '```json\n{"cause":"pool","share":0.5}\n```' }, { schema: SCHEMA });
      expect(reply.json).toEqual({ cause: "pool", share: 0.5 });
      const sent = JSON.stringify(server.requests.at(-1));
      expect(sent).toContain('"additionalProperties":false');
      expect(sent).not.toMatch(/minLength|maximum|\$schema/);
    });

    test("calls tools, and takes their answers back", async () => {
      const toolCalls = [{ id: "call_0", name: "query", arguments: { name: "latency — p95" } }];
      const reply = await ask({ kind: "reply", toolCalls }, { tools: [TOOL] });
      expect(reply).toMatchObject({ stop: "tool", toolCalls });
      const messages = [
        { role: "user", text: "Why?" },
        { role: "assistant", text: "", toolCalls },
        { role: "tool", text: "0.35", toolCallId: "call_0" },
      ] as const;
      expect(await ask({ kind: "reply", text: "slow" }, { tools: [TOOL], messages })).toMatchObject({ text: "slow" });
      expect(JSON.stringify(server.requests.at(-1))).toContain("0.35");
    });

    test("says that an answer was cut at the limit of tokens", async () => {
      expect(await ask({ kind: "reply", text: "and", stop: "length" })).toMatchObject({ stop: "length" });
      expect(await fault({ kind: "reply", text: '{"cause":"po', stop: "length" }, { schema: SCHEMA })).toMatchObject({
        code: "LLM_ANSWER_INVALID",
      });
    });

    test.skipIf(lacks.includes("refusal"))("says that the model refused", async () => {
      expect(await ask({ kind: "reply", text: "", stop: "refusal" }, { schema: SCHEMA })).toMatchObject({ stop: "refusal" });
    });

    test.each<[string, LlmBehaviour, object]>([
      [
        "429 with a time to wait",
        { kind: "status", status: 429, type: "rate_limit_error", headers: { "retry-after": "7" } },
        { code: "LLM_RATE_LIMITED", retryable: true, retryAfterMs: 7_000 },
      ],
      [
        "429 without one, a limit of the account",
        { kind: "status", status: 429, type: "rate_limit_error" },
        { code: "LLM_LIMIT_REACHED", retryable: false },
      ],
      ["529, overloaded", { kind: "status", status: 529, type: "overloaded_error" }, { code: "LLM_OVERLOADED", retryable: true }],
      [
        "503, its queue is full",
        { kind: "status", status: 503, message: "server busy, please try again" },
        { code: "LLM_OVERLOADED", retryable: true },
      ],
      ["500", { kind: "status", status: 500 }, { code: "LLM_UNAVAILABLE", retryable: true }],
      ["504", { kind: "status", status: 504, type: "timeout_error" }, { code: "LLM_UNAVAILABLE", retryable: true }],
      ["401, an expired key", { kind: "status", status: 401, type: "authentication_error" }, { code: "LLM_KEY_REFUSED", retryable: false }],
      ["403", { kind: "status", status: 403, type: "permission_error" }, { code: "LLM_KEY_REFUSED", retryable: false }],
      ["402", { kind: "status", status: 402, type: "billing_error" }, { code: "LLM_UNPAID", retryable: false }],
      [
        "400 that is a spent limit",
        {
          kind: "status",
          status: 400,
          type: "invalid_request_error",
          message: "You have reached your specified workspace API usage limits.",
        },
        { code: "LLM_UNPAID", retryable: false },
      ],
      ["400", { kind: "status", status: 400, type: "invalid_request_error" }, { code: "LLM_REQUEST_REJECTED", retryable: false }],
      ["413", { kind: "status", status: 413, type: "request_too_large" }, { code: "LLM_REQUEST_REJECTED", retryable: false }],
      ["a page of a proxy", { kind: "html" }, { code: "LLM_ANSWER_GARBLED", retryable: true }],
      ["garbage", { kind: "garbage" }, { code: "LLM_ANSWER_GARBLED", retryable: true }],
      ["a connection cut in the middle", { kind: "cut" }, { code: "LLM_DISCONNECTED", retryable: true }],
      ["a stream that ends before the answer", { kind: "ends-early" }, { code: "LLM_DISCONNECTED", retryable: true }],
      ["a connection cut before an answer", { kind: "reset" }, { code: "LLM_UNREACHABLE", retryable: true }],
      ["JSON that is none", { kind: "reply", text: "the cause is {" }, { code: "LLM_ANSWER_INVALID", retryable: false }],
    ])("names %s", async (_what, behaviour, expected) => expect(await fault(behaviour, { schema: SCHEMA })).toEqual(expected));

    test("names an error that comes after HTTP 200", async () => {
      const overloaded = await fault({ kind: "error-in-stream", type: "overloaded_error" });
      expect(overloaded).toEqual({ code: lacks.includes("kinds") ? "LLM_UNAVAILABLE" : "LLM_OVERLOADED", retryable: true });
    });

    test.each<LlmBehaviour["kind"]>(["keep-alive", "drip", "silence"])("ends at its deadline, whatever trickles: %s", async (kind) => {
      const startedAt = performance.now();
      expect(await fault({ kind } as LlmBehaviour, { deadlineMs: DEADLINE_MS })).toEqual({ code: "LLM_DEADLINE", retryable: true });
      expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS + 2_000);
    });

    test("stops a model that does not", async () => {
      expect(await fault({ kind: "endless" }, { deadlineMs: 20_000 })).toEqual({ code: "LLM_ANSWER_TOO_LONG", retryable: false });
    });

    test("stops when its caller does, before and while it answers", async () => {
      const before = AbortSignal.abort();
      expect(await fault({ kind: "reply", text: "x" }, { signal: before })).toMatchObject({ code: "LLM_CANCELLED" });
      const during = new AbortController();
      const error = errorOf({ kind: "drip" }, { signal: during.signal, onText: () => during.abort() });
      expect((await error).code).toBe("LLM_CANCELLED");
    });

    test("knows a model that is not there, when asked and when it looks", async () => {
      const wrong = open(server, "no-such-model");
      await expect(wrong.complete(request())).rejects.toMatchObject({ code: "LLM_MODEL_UNKNOWN", retryable: false });
      await port.check?.(AbortSignal.timeout(5_000));
      if (protocol !== "openai")
        await expect(wrong.check?.(AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: "LLM_MODEL_UNKNOWN" });
    });

    test.skipIf(lacks.includes("key"))("knows a key that is refused, and shows it nowhere", async () => {
      const wrong = open({ url: server.url, key: "sk-of-somebody-else" }, "stand-in");
      const error: unknown = await wrong.complete(request()).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "LLM_KEY_REFUSED" });
      expect(JSON.stringify([error, (error as Error).message])).not.toContain("sk-of-somebody-else");
      await expect(wrong.check?.(AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: "LLM_KEY_REFUSED" });
    });

    test("says that nothing answers at an address", async () => {
      const gone = await startLlm({ protocol });
      const nowhere = open(gone, "stand-in");
      await gone.close();
      await expect(nowhere.complete(request())).rejects.toMatchObject({ code: "LLM_UNREACHABLE", retryable: true });
      await expect(nowhere.check?.(AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: "LLM_UNREACHABLE" });
    });

    test("keeps no connection of an unfinished answer open", async () => {
      const before = server.open;
      await errorOf({ kind: "drip" }, { deadlineMs: 100 });
      await eventually("its connection to close", () => server.open <= Math.max(1, before) || undefined);
    });
  });
}
