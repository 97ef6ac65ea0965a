import type { Logger } from "@tocsin/runtime";
import { pino } from "pino";

export interface LoggerOptions {
  /** `debug`, `info`, `warn`, `error` or `silent`. */
  readonly level: string;
  /** Where JSON lines go; standard output when absent. Its folder is made. */
  readonly file?: string;
  readonly version: string;
}

/** Fields whose value never reaches a log, wherever one level of nesting puts them. */
const SECRET_FIELDS = ["authorization", "cookie", "token", "password", "secret", "apiKey", "api_key", "privateToken"];
const REDACTED_PATHS = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `headers["${field}"]`, `*.headers["${field}"]`]);

/** JSON lines through pino: errors with their code, details and causes, secrets taken out by path. */
export function createLogger({ level, file, version }: LoggerOptions): Logger & { flush(): void } {
  const destination = pino.destination({ dest: file ?? 1, sync: true, mkdir: true });
  const logger = pino(
    {
      level,
      base: { version },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED_PATHS, censor: "[redacted]" },
      serializers: { err: pino.stdSerializers.errWithCause },
    },
    destination,
  );
  return Object.assign(logger as unknown as Logger, { flush: () => destination.flushSync() });
}
