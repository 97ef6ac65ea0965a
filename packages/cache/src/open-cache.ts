import { type Clock, type Logger, systemClock } from "@tocsin/runtime";
import type { Cache } from "./cache.ts";
import { cacheUrlUnknownScheme } from "./errors.ts";
import { memoryCache } from "./memory-cache.ts";

export interface OpenCacheOptions {
  /** `memory:`, `redis://…` or `rediss://…` */
  readonly url: string;
  readonly log: Logger;
  readonly clock?: Clock;
}

/**
 * Opens the cache that the URL names. Redis being away is no error here: it degrades.
 * @throws AppError `CACHE_URL_UNKNOWN_SCHEME`
 */
export async function openCache({ url, log, clock = systemClock }: OpenCacheOptions): Promise<Cache> {
  if (url.startsWith("memory:")) return memoryCache(clock);
  if (url.startsWith("redis://") || url.startsWith("rediss://")) return (await import("./redis-cache.ts")).redisCache(url, log);
  throw cacheUrlUnknownScheme(url);
}
