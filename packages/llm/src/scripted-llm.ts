import { readFileSync } from "node:fs";
import { AppError, type Clock, messageOf, systemClock } from "@tocsin/runtime";
import * as z from "zod";
import { withJson } from "./answer-json.ts";
import { cancelled, deadlinePassed, scriptInvalid, scriptUnmatched } from "./errors.ts";
import type { LlmPort, LlmReply, LlmRequest } from "./llm-port.ts";
import { inputTokensAbout, outputTokensAbout } from "./token-estimate.ts";

const Entry = z.strictObject({
  /** All that is given has to fit; without it everything does. */
  match: z
    .strictObject({
      prompt: z.string().optional(),
      /** A regular expression over the last message. */
      text: z.string().optional(),
    })
    .default({}),
  reply: z
    .strictObject({
      text: z.string().optional(),
      json: z.unknown().optional(),
      toolCalls: z.array(z.strictObject({ id: z.string(), name: z.string(), arguments: z.unknown() })).optional(),
      stop: z.enum(["end", "length", "tool", "refusal"]).optional(),
      usage: z
        .strictObject({
          inputTokens: z.number().int().min(0),
          outputTokens: z.number().int().min(0),
          cachedInputTokens: z.number().optional(),
        })
        .optional(),
    })
    .optional(),
  /** Instead of a reply. */
  error: z
    .strictObject({
      code: z.string().regex(/^LLM_[A-Z_]+$/),
      retryable: z.boolean().default(false),
      retryAfterMs: z.number().optional(),
    })
    .optional(),
  delayMs: z.number().min(0).optional(),
  /** How often it answers; for ever when absent. */
  times: z.number().int().positive().optional(),
});
/** One line of a script. */
export type ScriptEntry = z.input<typeof Entry>;

/** Reads a script: a JSON array, or one JSON object a line. @throws AppError `LLM_SCRIPT_INVALID` */
export function readScript(file: string): readonly ScriptEntry[] {
  try {
    const text = readFileSync(file, "utf8");
    const raw: unknown = text.trimStart().startsWith("[")
      ? JSON.parse(text)
      : text
          .split("\n")
          .filter((line) => line.trim() !== "")
          .map((line) => JSON.parse(line));
    return z.array(Entry).parse(raw);
  } catch (error) {
    throw scriptInvalid(file, error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error));
  }
}

export interface ScriptedOptions {
  readonly model?: string;
  readonly clock?: Clock;
}

/**
 * A model that says what is written, for tests and replays. The first entry that fits and is not used up answers.
 *
 * @param script entries, or a function that makes one for each request: a model that obeys, lies or repeats
 */
export function scriptedLlm(
  script: readonly ScriptEntry[] | ((request: LlmRequest) => ScriptEntry | Promise<ScriptEntry>),
  { model = "scripted", clock = systemClock }: ScriptedOptions = {},
): LlmPort {
  const left = typeof script === "function" ? [] : script.map((entry) => ({ entry: Entry.parse(entry), times: entry.times ?? Infinity }));

  async function entryFor(request: LlmRequest): Promise<z.output<typeof Entry>> {
    if (typeof script === "function") return Entry.parse(await script(request));
    const last = request.messages.at(-1)?.text ?? "";
    const found = left.find(
      ({ entry: { match }, times }) =>
        times > 0 &&
        (match.prompt === undefined || match.prompt === request.prompt.name) &&
        (match.text === undefined || new RegExp(match.text).test(last)),
    );
    if (found === undefined) throw scriptUnmatched(request.prompt.name);
    found.times--;
    return found.entry;
  }

  return {
    provider: "scripted",
    model,
    async complete(request) {
      request.signal?.throwIfAborted();
      const { reply, error, delayMs = 0 } = await entryFor(request);
      if (delayMs > 0) {
        try {
          await clock.sleep(Math.min(delayMs, request.deadlineMs), request.signal);
        } catch {
          throw cancelled("scripted", model);
        }
        if (delayMs > request.deadlineMs) throw deadlinePassed("scripted", model, request.deadlineMs);
      }
      if (error !== undefined) {
        throw new AppError(error.code, `scripted (${model}) fails as written: ${error.code}`, {
          retryable: error.retryable,
          details: { provider: "scripted", model, ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }) },
        });
      }
      const text = reply?.text ?? (reply?.json === undefined ? "" : JSON.stringify(reply.json));
      request.onText?.(text);
      const toolCalls = (reply?.toolCalls ?? []) as LlmReply["toolCalls"];
      const usage = reply?.usage ?? { inputTokens: inputTokensAbout(request), outputTokens: outputTokensAbout(text) };
      const { cachedInputTokens, ...tokens } = usage as LlmReply["usage"];
      return withJson(request, {
        text,
        toolCalls,
        stop: reply?.stop ?? (toolCalls.length > 0 ? "tool" : "end"),
        usage: { ...tokens, ...(cachedInputTokens === undefined ? {} : { cachedInputTokens }) },
        provider: "scripted",
        model,
      });
    },
    async close() {},
  };
}
