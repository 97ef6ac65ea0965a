// What stands between us and GitLab. gitbeaker on its own ignores Retry-After, repeats a POST after a 502 (which makes a
// second issue), gives up at the first broken connection, and waits five minutes for an answer. Here: an answer within a deadline, waiting as
// long as GitLab asks, and never a second try of something that may have been done and would be done twice.
import { type AppError, backoffMs, type Clock, type Logger, messageOf } from "@tocsin/runtime";
import { notFound, outcomeUnknown, rateLimited, rejected, unauthorized, unavailable } from "./errors.ts";
import { createRateBudget } from "./rate-budget.ts";

export interface RequesterOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** How long one try may take, in milliseconds. */
  readonly timeoutMs: number;
  /** How long a call may wait for GitLab's rate limit inside this process; beyond it the caller is told to come back. */
  readonly maxWaitMs: number;
  /** Tries of what may be tried again. */
  readonly attempts: number;
  readonly requestsPerMinute: number;
  /** GitLab.com takes 60 and does not say so in its headers. */
  readonly notesPerMinute: number;
  readonly fetch: typeof fetch;
  /** Told of every try: its outcome is a status, or `timeout` or `broken`. */
  readonly onTry?: (method: string, outcome: string, seconds: number) => void;
  /** A number in [0, 1): the jitter. */
  readonly random?: () => number;
}

interface ApiRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** May it be done twice without harm? Default: all but POST. */
  readonly isIdempotent?: boolean;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export type Send = (request: ApiRequest) => Promise<ApiResponse>;

/** The connection was never made, so GitLab has not seen the request. */
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"]);

/** @returns sends one request, with retries. @throws the errors of `errors.ts` */
export function createSend(options: RequesterOptions): Send {
  const { clock, log, timeoutMs, maxWaitMs, attempts, onTry } = options;
  const all = createRateBudget(options.requestsPerMinute, burstOf(options.requestsPerMinute), clock);
  const notes = createRateBudget(options.notesPerMinute, burstOf(options.notesPerMinute), clock);
  let heldUntil = 0; // GitLab limits the token, so every call waits

  async function once(request: ApiRequest): Promise<ApiResponse> {
    const { method, url, headers, body, isIdempotent = method !== "POST" } = request;
    const where = { method, path: new URL(url).pathname };
    const startedAt = clock.now();
    const over = (outcome: string) => onTry?.(method, outcome, (clock.now() - startedAt) / 1000);
    const failed = (reason: string, cause: unknown): AppError =>
      isIdempotent || isNeverSent(cause) ? unavailable(where, reason, cause) : outcomeUnknown(where, reason, cause);
    let response: Response;
    let text: string;
    try {
      response = await options.fetch(url, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
        redirect: "manual", // a redirect would take the token to wherever it points
        signal: AbortSignal.timeout(timeoutMs),
      });
      text = await response.text();
    } catch (error) {
      const isTimeout = (error as Error).name === "TimeoutError";
      over(isTimeout ? "timeout" : "broken");
      throw failed(isTimeout ? `no answer within ${timeoutMs} ms` : reasonOf(error), error);
    }
    const { status } = response;
    over(String(status));
    const answer = { status, headers: Object.fromEntries(response.headers.entries()), body: readBody(response, text) };
    if (status >= 200 && status < 300) return answer;
    const said = describe(answer.body);
    if (status === 429) throw rateLimited(where, retryAfter(response.headers, clock.now()));
    if (status === 401 || status === 403) throw unauthorized(where, status, said);
    if (status === 404) throw notFound(where);
    if (status >= 500) throw failed(`${status} ${said}`, undefined);
    throw rejected(where, status, status < 400 ? `redirects to ${response.headers.get("location") ?? "nowhere"}: is the URL right?` : said);
  }

  return async (request) => {
    const isNote = request.method === "POST" && /\/notes$/.test(new URL(request.url).pathname);
    let waitedMs = 0;
    for (let attempt = 1; ; attempt++) {
      if (heldUntil > clock.now()) {
        const ms = heldUntil - clock.now();
        if (waitedMs + ms > maxWaitMs)
          throw rateLimited({ method: request.method, path: new URL(request.url).pathname }, Math.ceil(ms / 1000));
        waitedMs += ms;
        await clock.sleep(ms);
      }
      await all.take();
      if (isNote) await notes.take();
      try {
        const answer = await once(request);
        // The last one allowed in this window: the next would be refused, and refusals count too.
        if (answer.headers["ratelimit-remaining"] === "0") heldUntil = resetTime(answer.headers, clock.now());
        return answer;
      } catch (thrown) {
        const error = thrown as AppError;
        if (error.code === "TICKETS_RATE_LIMITED") {
          const asked = error.details["retryAfterSeconds"] as number | undefined;
          const ms = asked === undefined ? backoffMs(attempt, 1_000, 60_000, options.random) : asked * 1_000;
          heldUntil = Math.max(heldUntil, clock.now() + ms);
          if (attempt >= attempts) throw error;
        } else if (error.code === "TICKETS_UNAVAILABLE" && attempt < attempts) {
          await clock.sleep(backoffMs(attempt, 250, 5_000, options.random));
        } else {
          throw error;
        }
        log.debug({ code: error.code, reason: messageOf(error), attempt }, "gitlab asked again");
      }
    }
  };
}

/** A quarter of a minute's worth at once; with the refill of the first minute that stays below GitLab's own limits. */
const burstOf = (perMinute: number): number => Math.max(1, Math.ceil(perMinute / 4));
const isNeverSent = (error: unknown): boolean => NEVER_SENT.has(String((error as { cause?: { code?: unknown } } | undefined)?.cause?.code));
const reasonOf = (error: unknown): string => messageOf((error as { cause?: unknown }).cause ?? error);

/** Seconds, or a date. @see RFC 9110, section 10.2.3 */
function retryAfter(headers: Headers, nowMs: number): number | undefined {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - nowMs) / 1000;
  return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : undefined;
}

const LONGEST_WINDOW_MS = 60_000;
function resetTime(headers: Readonly<Record<string, string>>, nowMs: number): number {
  const at = Number(headers["ratelimit-reset"]) * 1_000;
  return at > nowMs ? Math.min(at, nowMs + LONGEST_WINDOW_MS) : 0;
}

function readBody(response: Response, text: string): unknown {
  if (!response.headers.get("content-type")?.includes("json")) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** GitLab's `message` or `error`, each text or object. */
function describe(body: unknown): string {
  const { message, error } = (typeof body === "object" && body !== null ? body : { message: body }) as {
    message?: unknown;
    error?: unknown;
  };
  const said = message ?? error ?? "";
  return (typeof said === "string" ? said : JSON.stringify(said)).trim().slice(0, 500);
}
