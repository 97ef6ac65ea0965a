import { STATUS_CODES } from "node:http";
import type { Problem } from "@tocsin/contracts";
import { AppError } from "@tocsin/runtime";
import { ZodError } from "zod";

/** Which status an error code has, by the word it ends with. What is not listed is our own fault: 500. */
const STATUS_BY_ENDING: readonly (readonly [ending: RegExp, status: number])[] = [
  [/_(UNKNOWN|NOT_FOUND)$/, 404],
  [/_(INVALID|MALFORMED|REFUSED_INPUT)$/, 400],
  [/_UNAUTHENTICATED$/, 401],
  [/_FORBIDDEN$/, 403],
  [/_(CONFLICT|EXPIRED|BUSY)$/, 409],
  [/_TOO_LARGE$/, 413],
  [/_TOO_MANY$/, 429],
  [/_(TIMEOUT)$/, 504],
  [/_(UNAVAILABLE|DRAINING|OVERLOADED)$/, 503],
];

export const statusOf = (code: string): number => STATUS_BY_ENDING.find(([ending]) => ending.test(code))?.[1] ?? 500;

/**
 * Pure: the problem document (RFC 9457) for whatever a handler threw. An `AppError` keeps its code, message and details; a
 * failed zod check becomes `REQUEST_INVALID` with one line for each fault; everything else becomes `INTERNAL_ERROR`
 * and tells nothing of itself.
 */
export function problemOf(thrown: unknown): Problem {
  if (AppError.is(thrown)) {
    const status = statusOf(thrown.code);
    return problem(status, thrown.code, thrown.message, thrown.details);
  }
  if (thrown instanceof ZodError) {
    const errors = thrown.issues.map((issue) => ({ path: issue.path.join("."), message: issue.message }));
    return problem(400, "REQUEST_INVALID", errors.map((e) => (e.path ? `${e.path}: ${e.message}` : e.message)).join("; "), { errors });
  }
  const { statusCode, message, code } = (thrown ?? {}) as { statusCode?: unknown; message?: unknown; code?: unknown };
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500) {
    // Fastify's own refusals: a body that is not JSON, too large, of a media type nobody reads.
    const ours = statusCode === 413 ? "REQUEST_TOO_LARGE" : statusCode === 415 ? "REQUEST_MEDIA_TYPE" : "REQUEST_INVALID";
    return problem(statusCode, ours, String(message), typeof code === "string" ? { reason: code } : {});
  }
  return problem(500, "INTERNAL_ERROR", "this is a fault of Tocsin; the log of the process has it under the request's id", {});
}

function problem(status: number, code: string, detail: string, details: Readonly<Record<string, unknown>>): Problem {
  return { ...details, type: `urn:tocsin:problem:${code.toLowerCase()}`, title: STATUS_CODES[status] ?? "Error", status, code, detail };
}
