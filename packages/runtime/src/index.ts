export { AppError, type AppErrorOptions, messageOf } from "./app-error.ts";
export { canonicalJson } from "./canonical-json.ts";
export { type Clock, isoTime, systemClock } from "./clock.ts";
export { digestOf } from "./digest.ts";
export { newId, uuidv7 } from "./id.ts";
export { type Logger, silentLogger } from "./logger.ts";
export { backoffMs, type RetryOptions, retry } from "./retry.ts";
export type { Queryable, Sql } from "./sql.ts";
export { createTeardown, type OnStop, type Teardown } from "./teardown.ts";
