export type { Cache } from "./cache.ts";
export { type OpenCacheOptions, openCache } from "./open-cache.ts";
