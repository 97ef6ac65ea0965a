export { createLogger, type LoggerOptions } from "./logger.ts";
export { createRegistry } from "./metrics.ts";
export { startTracing } from "./tracing.ts";
