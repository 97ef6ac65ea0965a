export { equalSecrets, isLoopback } from "./auth.ts";
export { createHttpServer, type HttpServerOptions, type RunningHttpServer } from "./create-http-server.ts";
export { type EventStream, type EventStreamOptions, openEventStream, type StreamFrame } from "./event-stream.ts";
export type { HealthReport } from "./health.ts";
export type { HttpServer } from "./http-server.ts";
export { problemOf, statusOf } from "./problem.ts";
