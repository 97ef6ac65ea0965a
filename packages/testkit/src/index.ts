export { type RunningDockerd, startDockerd } from "./docker.ts";
export { type ImageOptions, importBusybox, importImage, importNodeApp } from "./docker-image.ts";
export { eventually } from "./eventually.ts";
export { type FakeClock, fakeClock } from "./fake-clock.ts";
export { freePort } from "./free-port.ts";
export { POSTGRES_PROGRAMS, type RunningPostgres, startPostgres } from "./postgres.ts";
export { findProgram, lacks } from "./real.ts";
export { type RunningProcess, startProcess } from "./real-process.ts";
export { startRedis } from "./redis.ts";
