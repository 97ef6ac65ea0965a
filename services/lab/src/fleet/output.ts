import type { TraceContext } from "./trace.ts";

type Level = "debug" | "info" | "warn" | "error";

/** A finished span as a service prints it; times are Unix seconds and milliseconds. */
interface PrintedSpan extends TraceContext {
  readonly name: string;
  readonly kind: "server" | "client";
  /** Whom a client span calls: all there is of a callee that never answered. */
  readonly peer?: string;
  readonly startAt: number;
  readonly durationMs: number;
  readonly error: boolean;
}

/** One line on standard output: a log line, or a finished span. */
export type PrintedLine = { readonly at: number; readonly level: Level; readonly message: string } | { readonly span: PrintedSpan };

export interface Output {
  log(level: Level, message: string): void;
  span(span: PrintedSpan): void;
}

/** Prints JSON lines. When the reader is slow, lines are dropped rather than kept: telling must never take the memory of doing. */
export function jsonOutput(stream: NodeJS.WritableStream & { writableLength: number }): Output {
  const print = (line: PrintedLine) => {
    if (stream.writableLength < 262_144) stream.write(`${JSON.stringify(line)}\n`);
  };
  return {
    log: (level, message) => print({ at: Date.now() / 1000, level, message }),
    span: (span) => print({ span }),
  };
}
