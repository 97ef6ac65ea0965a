// Every error code of this package; README.md documents each. None of them reaches the incident's loop: the adviser turns them into a skip.
import { AppError, redact } from "@tocsin/runtime";
import type { LlmUsage } from "./llm-port.ts";
import { visibleText } from "./untrusted-text.ts";

const BODY_CHARS = 500;

/** What a provider's error says beside its code. */
export interface Fault {
  readonly provider: string;
  readonly model: string;
  readonly status?: number;
  /** The provider's own name for it, e.g. `overloaded_error`. */
  readonly kind?: string;
  readonly reason: string;
  readonly requestId?: string;
  readonly retryAfterMs?: number;
  /** What the failed attempt has used, where the provider said so. */
  readonly usage?: LlmUsage;
  readonly cause?: unknown;
}

const faulty = (code: string, retryable: boolean, text: string, fault: Fault) => {
  const { cause, reason: said, ...rest } = fault;
  // People read it in a timeline, and providers like to repeat a part of the key.
  const reason = redact(visibleText(said)).replace(/\s+/gu, " ").trim().slice(0, BODY_CHARS).toWellFormed();
  return new AppError(code, `${fault.provider} (${fault.model}) ${text}: ${reason}`, { retryable, details: { ...rest, reason }, cause });
};

export const keyRefused = (fault: Fault) => faulty("LLM_KEY_REFUSED", false, "does not accept the key", fault);
export const unpaid = (fault: Fault) => faulty("LLM_UNPAID", false, "asks for payment", fault);
export const modelUnknown = (fault: Fault) => faulty("LLM_MODEL_UNKNOWN", false, "does not have the model", fault);
export const requestRejected = (fault: Fault) => faulty("LLM_REQUEST_REJECTED", false, "rejects the request", fault);
export const rateLimited = (fault: Fault) => faulty("LLM_RATE_LIMITED", true, "wants us to wait", fault);
/** A 429 without `retry-after`: the limit of the month or of the account, which no waiting of seconds lifts. */
export const limitReached = (fault: Fault) => faulty("LLM_LIMIT_REACHED", false, "has reached the limit of the account", fault);
export const overloaded = (fault: Fault) => faulty("LLM_OVERLOADED", true, "is overloaded", fault);
export const unavailable = (fault: Fault) => faulty("LLM_UNAVAILABLE", true, "failed", fault);
/** Nothing answered: refused, reset before the answer, no such host. */
export const unreachable = (fault: Fault) => faulty("LLM_UNREACHABLE", true, "cannot be reached", fault);
/** The answer broke off. */
export const disconnected = (fault: Fault) => faulty("LLM_DISCONNECTED", true, "broke off in the middle of the answer", fault);
/** Not what the protocol says: HTML of a proxy, garbage, a stream without its end. */
export const answerGarbled = (fault: Fault) => faulty("LLM_ANSWER_GARBLED", true, "answered something else than its protocol", fault);
/** Well-formed, but not the JSON that was asked for. */
export const answerInvalid = (fault: Fault) => faulty("LLM_ANSWER_INVALID", false, "did not answer in the shape asked for", fault);
export const answerTooLong = (fault: Fault) => faulty("LLM_ANSWER_TOO_LONG", false, "would not stop talking", fault);
/** The model saw less than it was sent. */
export const promptTruncated = (fault: Fault) => faulty("LLM_PROMPT_TRUNCATED", false, "read only a part of the prompt", fault);
export const deadlinePassed = (provider: string, model: string, deadlineMs: number) =>
  faulty("LLM_DEADLINE", true, "was too slow", { provider, model, reason: `no whole answer within ${deadlineMs} ms` });
/** The caller gave up. */
export const cancelled = (provider: string, model: string) =>
  faulty("LLM_CANCELLED", false, "was cancelled", { provider, model, reason: "the caller gave up" });

/** A provider that cannot be asked as it is set up: it counts as down, the process goes on. */
export const setupInvalid = (provider: string, model: string, reason: string) =>
  faulty("LLM_SETUP_INVALID", false, "cannot be used", { provider, model, reason });

export const scriptInvalid = (file: string, reason: string) =>
  new AppError("LLM_SCRIPT_INVALID", `script ${file}: ${reason}`, { details: { file, reason } });
export const scriptUnmatched = (prompt: string) =>
  new AppError("LLM_SCRIPT_UNMATCHED", `the script has no reply for the prompt "${prompt}"`, { details: { prompt } });

export const schemeUnknown = (url: string, known: readonly string[]) =>
  new AppError("LLM_URL_UNKNOWN_SCHEME", `TOCSIN_LLM_URL: unknown scheme in "${url.slice(0, 80)}"; known are ${known.join(", ")}`, {
    details: { known },
  });
export const pricesFileInvalid = (file: string, reason: string) =>
  new AppError("LLM_PRICES_FILE_INVALID", `price table ${file}: ${reason}`, { details: { file, reason } });

/** Which error an HTTP status and the provider's name for it mean, as Anthropic, OpenAI, DeepSeek and Ollama use them. */
export function faultOfStatus(fault: Fault & { readonly status: number }): AppError {
  const { status, kind = "", reason } = fault;
  if (/insufficient_quota|billing/.test(kind) || status === 402) return unpaid(fault);
  // Anthropic tells a spent workspace limit as a 400.
  if (status === 400 && /(?:spend|usage|credit)[\w ]{0,40}(?:limit|balance)/i.test(reason)) return unpaid(fault);
  if (status === 401 || status === 403) return keyRefused(fault);
  if (status === 404) return modelUnknown(fault);
  if (status === 429) return fault.retryAfterMs === undefined ? limitReached(fault) : rateLimited(fault);
  if (status === 503 || status === 529) return overloaded(fault);
  if (status === 408 || status === 409 || status >= 500) return unavailable(fault);
  return requestRejected(fault);
}

/** What an error event inside a stream means, after HTTP 200 has been said. */
export function faultOfKind(fault: Fault): AppError {
  const { kind = "" } = fault;
  const status: Readonly<Record<string, number>> = {
    overloaded_error: 529,
    api_error: 500,
    timeout_error: 504,
    authentication_error: 401,
    permission_error: 403,
    billing_error: 402,
    not_found_error: 404,
    invalid_request_error: 400,
    request_too_large: 413,
    insufficient_quota: 402,
    server_error: 500,
  };
  if (kind === "rate_limit_error" || kind === "rate_limit_exceeded") return rateLimited(fault);
  const known = status[kind];
  return known === undefined ? unavailable(fault) : faultOfStatus({ ...fault, status: known });
}
