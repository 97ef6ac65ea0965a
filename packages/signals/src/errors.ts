// Every error code of this package; README.md documents each. Codes of a query (PROMQL_*) are thrown to the caller, who wrote it;
// codes of a source (PROM_*, LOKI_*, TEMPO_*, LAB_*, SOURCE_*) end in the `partial` of an answer.
import { AppError } from "@tocsin/runtime";

const BODY_CHARS = 2_000;

/** @param at offset in the query, in UTF-16 units, where it stops making sense */
export const promqlSyntax = (query: string, at: number, reason: string) =>
  new AppError("PROMQL_SYNTAX", `PromQL at position ${at + 1}: ${reason}`, { details: { query, position: at + 1, reason } });

export const promqlUnsupported = (query: string, what: string) =>
  new AppError("PROMQL_UNSUPPORTED", `the embedded metrics do not support ${what}`, { details: { query, what } });

/** The query is well-formed but cannot be executed over what was found, e.g. many-to-many matching. */
export const promqlExecution = (reason: string) => new AppError("PROMQL_EXECUTION", reason, { details: { reason } });

export const promqlBudget = (reason: string) => new AppError("PROMQL_BUDGET", reason, { details: { reason } });

export const promQueryFailed = (query: string, status: number, body: string, cause?: unknown) =>
  new AppError("PROM_QUERY_FAILED", `Prometheus answered ${status} to: ${query}${reasonOf(body)}`, {
    retryable: status === 429 || status >= 500,
    details: { query, status, body: body.slice(0, BODY_CHARS) },
    cause,
  });

export const lokiQueryFailed = (query: string, status: number, body: string) =>
  new AppError("LOKI_QUERY_FAILED", `Loki answered ${status} to: ${query}${reasonOf(body)}`, {
    retryable: status === 429 || status >= 500,
    details: { query, status, body: body.slice(0, BODY_CHARS) },
  });

export const lokiTooCostly = (query: string, bytes: number, budgetBytes: number) =>
  new AppError("LOKI_TOO_COSTLY", `Loki would read ${bytes} bytes for: ${query} (budget ${budgetBytes})`, {
    details: { query, bytes, budgetBytes },
  });

export const tempoQueryFailed = (query: string, status: number, body: string) =>
  new AppError("TEMPO_QUERY_FAILED", `Tempo answered ${status} to: ${query}${reasonOf(body)}`, {
    retryable: status === 429 || status >= 500,
    details: { query, status, body: body.slice(0, BODY_CHARS) },
  });

export const labFailed = (path: string, status: number, body: string) =>
  new AppError("LAB_FAILED", `the lab answered ${status} to ${path}`, {
    retryable: status === 429 || status >= 500,
    details: { path, status, body: body.slice(0, BODY_CHARS) },
  });

/** Text that is not the Prometheus exposition format. */
export const expositionInvalid = (line: number, reason: string) =>
  new AppError("LAB_EXPOSITION_INVALID", `metrics line ${line}: ${reason}`, { details: { line, reason } });

export const seriesLimit = (url: string, maxSeries: number) =>
  new AppError("LAB_SERIES_LIMIT", `${url} has more than ${maxSeries} series`, { details: { url, maxSeries } });

/** Nothing answered: refused, reset, no such host. */
export const sourceUnreachable = (source: string, reason: string, cause?: unknown) =>
  new AppError("SOURCE_UNREACHABLE", `${source} cannot be reached: ${reason}`, { retryable: true, details: { source, reason }, cause });

export const sourceDeadline = (source: string, deadlineMs: number) =>
  new AppError("SOURCE_DEADLINE", `${source} did not answer within ${deadlineMs} ms`, { retryable: true, details: { source, deadlineMs } });

export const sourceTooLarge = (source: string, maxBytes: number) =>
  new AppError("SOURCE_TOO_LARGE", `${source} answered with more than ${maxBytes} bytes`, { details: { source, maxBytes } });

/** The caller gave up. */
export const sourceCancelled = (source: string) =>
  new AppError("SOURCE_CANCELLED", `the question to ${source} was cancelled`, { details: { source } });

/** A 200 whose body is not what the protocol says: HTML of a proxy, garbage, half an answer. */
export const sourceGarbled = (source: string, reason: string, body: string) =>
  new AppError("SOURCE_GARBLED", `${source} answered something else than its protocol: ${reason}`, {
    details: { source, reason, body: body.slice(0, BODY_CHARS) },
  });

export const schemeUnknown = (what: string, url: string, known: readonly string[]) =>
  new AppError("SIGNALS_URL_UNKNOWN_SCHEME", `${what}: unknown scheme in "${url}"; known are ${known.join(", ")}`, {
    details: { what, known },
  });

export const topologyFileInvalid = (file: string, reason: string, cause?: unknown) =>
  new AppError("SIGNALS_TOPOLOGY_FILE_INVALID", `topology file ${file}: ${reason}`, { details: { file, reason }, cause });

function reasonOf(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    const error = (parsed as { error?: unknown } | null)?.error;
    return typeof error === "string" ? ` (${error.slice(0, 300)})` : "";
  } catch {
    const line = body.trim().split("\n", 1)[0] ?? "";
    return line === "" || line.startsWith("<") ? "" : ` (${line.slice(0, 300)})`;
  }
}
