import type { LogLine, Span } from "@tocsin/contracts";
import type { PrintedLine } from "../fleet/output.ts";

const MAX_MESSAGE = 2_000;

/** What one line of a service's output says: a span, a log line, or (anything else) an error line as it came. */
export function readPrintedLine(service: string, line: string, nowSeconds: number): { span: Span } | { log: LogLine } {
  try {
    const printed = JSON.parse(line) as PrintedLine;
    if ("span" in printed) {
      const { kind: _kind, ...span } = printed.span;
      return { span: { ...span, service } };
    }
    if (typeof printed.message === "string")
      return { log: { at: printed.at, service, level: printed.level, message: printed.message.slice(0, MAX_MESSAGE) } };
  } catch {
    // not ours: what Node itself prints when a process dies
  }
  return { log: { at: nowSeconds, service, level: "error", message: line.slice(0, MAX_MESSAGE) } };
}
