import type { FinishedSpan } from "@tocsin/telemetry";

type Level = "debug" | "info" | "warn" | "error";

/** One line on standard output: a log line, or a finished span. */
export type PrintedLine = { readonly at: number; readonly level: Level; readonly message: string } | { readonly span: FinishedSpan };

export interface Output {
  log(level: Level, message: string): void;
  span(span: FinishedSpan): void;
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
