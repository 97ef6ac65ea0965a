import { AppError, messageOf } from "@tocsin/runtime";
import {
  answerGarbled,
  answerTooLong,
  cancelled,
  deadlinePassed,
  disconnected,
  type Fault,
  faultOfKind,
  faultOfStatus,
  unreachable,
} from "./errors.ts";
import type { LlmRequest } from "./llm-port.ts";

/** One request and its answer: the total deadline, the cap on what is read, and what every way to fail is called. */
export interface Exchange {
  /** Aborts at the deadline, and when the caller gives up. A connection kept alive with blank lines ends too. */
  readonly signal: AbortSignal;
  /** The answer so far. */
  readonly text: string;
  /** The provider has begun to answer: a break from now on is in the middle of it. */
  answered(): void;
  /** More of the answer. @throws AppError `LLM_ANSWER_TOO_LONG` */
  hear(piece: string): void;
  /** Counts what is kept beside the text, e.g. arguments of tools. @throws AppError `LLM_ANSWER_TOO_LONG` */
  count(piece: string): void;
  /** Throws when the signal has aborted: some streams end quietly then. */
  check(): void;
  /** What went wrong, as one of this package's errors. */
  faultOf(error: unknown): AppError;
  end(): void;
}

/** No tokeniser in use has longer tokens on average; more than this is a provider that ignores `maxOutputTokens`. */
const CHARS_PER_TOKEN = 16;

export function startExchange(provider: string, model: string, request: LlmRequest): Exchange {
  const controller = new AbortController();
  const { signal: caller, deadlineMs } = request;
  const maxChars = request.maxOutputTokens * CHARS_PER_TOKEN + 4_096;
  let late = false;
  let begun = false;
  let text = "";
  let counted = 0;
  const timer = setTimeout(() => {
    late = true;
    controller.abort();
  }, deadlineMs);
  const onAbort = () => controller.abort();
  if (caller?.aborted) controller.abort();
  caller?.addEventListener("abort", onAbort, { once: true });

  const gaveUp = (): AppError | undefined => {
    if (caller?.aborted) return cancelled(provider, model);
    return late ? deadlinePassed(provider, model, deadlineMs) : undefined;
  };
  const count = (piece: string) => {
    counted += piece.length;
    if (counted > maxChars) throw answerTooLong({ provider, model, reason: `more than ${maxChars} characters` });
  };

  return {
    signal: controller.signal,
    get text() {
      return text;
    },
    answered() {
      begun = true;
    },
    count,
    hear(piece) {
      if (piece === "") return;
      count(piece);
      text += piece;
      request.onText?.(piece);
    },
    check() {
      const error = gaveUp();
      if (error !== undefined) throw error;
    },
    faultOf(error) {
      const ours = gaveUp() ?? ownError(error);
      if (ours !== undefined) return ours;
      const fault: Fault = { provider, model, reason: deepest(error), cause: error, ...detailsOf(error) };
      if (fault.status !== undefined) return faultOfStatus({ ...fault, status: fault.status });
      if (fault.kind !== undefined) return faultOfKind(fault);
      if (error instanceof SyntaxError) return answerGarbled(fault);
      return begun ? disconnected(fault) : unreachable(fault);
    },
    end() {
      clearTimeout(timer);
      caller?.removeEventListener("abort", onAbort);
      controller.abort();
    },
  };
}

/** As {@link Exchange.faultOf}, for a request that asks nothing of the model. */
export function faultOfCheck(provider: string, model: string, error: unknown, signal: AbortSignal): AppError {
  const exchange = startExchange(provider, model, { ...NOTHING_ASKED, signal });
  exchange.end();
  return exchange.faultOf(error);
}
const NOTHING_ASKED: LlmRequest = {
  prompt: { name: "check", version: 1, hash: "" },
  system: "",
  messages: [],
  maxOutputTokens: 1,
  deadlineMs: 1_000,
};

/** An error of ours that a library has wrapped. */
function ownError(error: unknown): AppError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) if (AppError.is(at)) return at;
  return undefined;
}

/** `fetch failed` says nothing; its cause does. */
function deepest(error: unknown): string {
  let text = messageOf(error);
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const code = (at as { code?: unknown }).code;
    text = typeof code === "string" && at.message === "" ? code : at.message || text;
  }
  return text;
}

interface LibraryError {
  readonly status?: unknown;
  readonly headers?: unknown;
  readonly error?: unknown;
}

/** What both SDKs put on their errors: status, headers and the parsed body. */
function detailsOf(error: unknown): Partial<Fault> {
  const { status, headers, error: body } = error as LibraryError;
  const inner = ((body as { error?: unknown } | undefined)?.error ?? body) as
    | { type?: unknown; code?: unknown; message?: unknown }
    | undefined;
  const kind = [inner?.code, inner?.type].find((one) => typeof one === "string");
  const message = typeof inner?.message === "string" ? inner.message : undefined;
  const head = headers instanceof Headers ? headers : undefined;
  const requestId = head?.get("request-id") ?? head?.get("x-request-id") ?? undefined;
  const retryAfterMs = head && readRetryAfter(head, Date.now());
  return {
    ...(typeof status === "number" ? { status } : {}),
    ...(kind === undefined ? {} : { kind: kind as string }),
    ...(message === undefined ? {} : { reason: message }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date; in milliseconds. */
export function readRetryAfter(headers: Headers, nowMs: number): number | undefined {
  const ms = Number.parseFloat(headers.get("retry-after-ms") ?? "");
  if (Number.isFinite(ms) && ms >= 0) return ms;
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1_000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
