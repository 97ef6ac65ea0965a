export { createLogger, type LoggerOptions } from "./logger.ts";
export { createRegistry } from "./metrics.ts";
export { type FinishedSpan, openSpanSender, type SpanSender, sendsTraces } from "./span-sender.ts";
export { startTracing } from "./tracing.ts";
