import type { LogLine } from "@tocsin/contracts";
import { redact } from "@tocsin/runtime";

const MAX_MESSAGE_CHARS = 4_096;

const LEVELS: Readonly<Record<string, LogLine["level"]>> = {
  trace: "debug",
  debug: "debug",
  dbg: "debug",
  info: "info",
  information: "info",
  notice: "info",
  warn: "warn",
  warning: "warn",
  err: "error",
  error: "error",
  eror: "error",
  critical: "error",
  crit: "error",
  alert: "error",
  emerg: "error",
  fatal: "error",
  panic: "error",
  "10": "debug",
  "20": "debug",
  "30": "info",
  "40": "warn",
  "50": "error",
  "60": "error",
};

/**
 * A raw line as a person would read it: of JSON and logfmt the message and the error, of anything else the whole; secrets redacted.
 *
 * @param hint the level the stream or its metadata names
 */
export function logLineOf(service: string, atSeconds: number, raw: string, hint: string | undefined): LogLine {
  const fields = raw.startsWith("{") ? jsonFields(raw) : undefined;
  const named = levelOf(hint) ?? levelOf(fields?.level) ?? levelInText(raw);
  const message = fields?.message === undefined ? raw : fields.error === undefined ? fields.message : `${fields.message}: ${fields.error}`;
  const redacted = redact(message.slice(0, 2 * MAX_MESSAGE_CHARS)).slice(0, MAX_MESSAGE_CHARS);
  return { at: atSeconds, service, level: named ?? "info", message: redacted };
}

const levelOf = (name: string | undefined): LogLine["level"] | undefined => (name === undefined ? undefined : LEVELS[name.toLowerCase()]);

function levelInText(raw: string): LogLine["level"] | undefined {
  const head = raw.slice(0, 200);
  const named =
    /\b(?:level|lvl|severity)=["']?([a-z]+)/i.exec(head) ??
    /\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|PANIC)\b/.exec(head);
  return levelOf(named?.[1]);
}

interface JsonFields {
  readonly level: string | undefined;
  readonly message: string | undefined;
  readonly error: string | undefined;
}

function jsonFields(raw: string): JsonFields | undefined {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(raw) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const text = (...names: string[]) => {
    for (const name of names) {
      const value = parsed[name];
      if (typeof value === "string" || typeof value === "number") return String(value);
      const message = (value as { message?: unknown } | null | undefined)?.message;
      if (typeof message === "string") return message;
    }
    return undefined;
  };
  return {
    level: text("level", "severity", "lvl", "levelname"),
    message: text("msg", "message", "event"),
    error: text("err", "error", "exception"),
  };
}
