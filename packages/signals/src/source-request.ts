// One way to ask an outside source: a deadline over the whole answer (a slow drip included), a cap on what is read, and errors that say
// which of the two it was. Redirects are not followed, as a source that redirects is a login page.
import { AppError, messageOf } from "@tocsin/runtime";
import { sourceCancelled, sourceDeadline, sourceGarbled, sourceTooLarge, sourceUnreachable } from "./errors.ts";

export const DEFAULT_DEADLINE_MS = 10_000;

export interface SourceRequest {
  /** How the source is called in errors, e.g. `Prometheus`. */
  readonly source: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as a form by POST; absent means GET. */
  readonly form?: URLSearchParams;
  readonly deadlineMs?: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

export interface SourceResponse {
  readonly status: number;
  readonly text: string;
}

/** @throws AppError `SOURCE_UNREACHABLE`, `SOURCE_DEADLINE`, `SOURCE_TOO_LARGE`, `SOURCE_CANCELLED`; any status is an answer */
export async function requestText(request: SourceRequest): Promise<SourceResponse> {
  const { source, deadlineMs = DEFAULT_DEADLINE_MS, maxBytes } = request;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), deadlineMs);
  const signal = request.signal ? AbortSignal.any([late.signal, request.signal]) : late.signal;
  try {
    const response = await fetch(request.url, {
      method: request.form ? "POST" : "GET",
      headers: { "user-agent": "tocsin", ...request.headers },
      ...(request.form ? { body: request.form } : {}),
      redirect: "manual",
      signal,
    });
    return { status: response.status, text: await readCapped(response, maxBytes, source) };
  } catch (error) {
    if (AppError.is(error)) throw error;
    if (late.signal.aborted) throw sourceDeadline(source, deadlineMs);
    if (request.signal?.aborted) throw sourceCancelled(source);
    throw sourceUnreachable(source, reasonOf(error), error);
  } finally {
    clearTimeout(timer);
  }
}

async function readCapped(response: Response, maxBytes: number, source: string): Promise<string> {
  if (!response.body) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the body, so that the rest of a huge answer is never sent.
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw sourceTooLarge(source, maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** @throws AppError `SOURCE_GARBLED` when the text is no JSON */
export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const kind = text.trimStart().startsWith("<") ? "HTML" : text.trim() === "" ? "nothing" : "no JSON";
    throw sourceGarbled(source, kind, text);
  }
}

/** fetch says "fetch failed" and hides the reason in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof AggregateError) return messageOf(cause.errors[0] ?? cause);
  return messageOf(cause ?? error);
}
