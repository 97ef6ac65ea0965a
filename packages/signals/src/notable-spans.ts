import type { Span } from "@tocsin/contracts";

/** Error spans first, the newest first; then the slowest. */
export function notableOf(spans: readonly Span[], service: string, limit: number): Span[] {
  const own = spans.filter((span) => span.service === service);
  const failed = own.filter((span) => span.error).sort((a, b) => b.startAt - a.startAt);
  const slow = own.filter((span) => !span.error).sort((a, b) => b.durationMs - a.durationMs);
  return [...failed, ...slow].slice(0, limit);
}
