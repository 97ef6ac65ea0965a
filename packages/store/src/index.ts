export type { PoolLike, Store } from "./database.ts";
export { appendEvents, EVENT_LOG_CHANNEL } from "./event-log.ts";
export type { JobRun, Jobs, NewJob, WorkOptions } from "./jobs.ts";
