import { type Logger, messageOf } from "@tocsin/runtime";
import { Redis } from "ioredis";
import type { Cache } from "./cache.ts";
import { cacheUnavailable } from "./errors.ts";

/** Every key of ours begins with this, so that a Redis can be shared. */
const PREFIX = "tocsin:";
/** A cache that makes its caller wait is worse than none. */
const COMMAND_TIMEOUT_MS = 250;

/**
 * A cache in Redis. While Redis is away every call gives what an empty cache would give, at once: ioredis would otherwise queue commands for
 * as long as it is away and send them again later.
 *
 * @param url `redis://` or `rediss://`
 */
export function redisCache(url: string, log: Logger): Cache {
  const redis = new Redis(url, {
    keyPrefix: PREFIX,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: 5_000,
    retryStrategy: (attempt) => Math.min(5_000, 100 * 2 ** Math.min(attempt, 6)),
  });
  let away = false;
  let trouble: Error | undefined;
  redis.on("error", (error: Error) => {
    trouble = error;
    if (!away) log.warn({ err: error }, "redis away, going on without a cache");
    away = true;
  });
  redis.on("ready", () => {
    if (away) log.info({}, "redis back");
    away = false;
    trouble = undefined;
  });

  async function orElse<T>(without: T, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      log.debug({ reason: messageOf(error) }, "cache call failed");
      return without;
    }
  }

  return {
    get: (key) => orElse(undefined, async () => (await redis.get(key)) ?? undefined),
    set: (key, value, ttlMs) => orElse(undefined, async () => void (await redis.set(key, value, "PX", Math.max(1, Math.round(ttlMs))))),
    async present(keys) {
      if (keys.length === 0) return new Set();
      return orElse(new Set<string>(), async () => {
        const values = await redis.mget(...keys);
        return new Set(keys.filter((_, i) => values[i] !== null));
      });
    },
    async remember(keys, ttlMs) {
      if (keys.length === 0) return;
      await orElse(undefined, async () => {
        const pipeline = redis.pipeline();
        for (const key of keys) pipeline.set(key, "1", "PX", Math.max(1, Math.round(ttlMs)));
        await pipeline.exec();
      });
    },
    add: (key, by, windowMs) =>
      orElse(by, async () => {
        // NX leaves the end of the window where its first addition put it.
        const results = await redis
          .multi()
          .set(key, "0", "PX", Math.max(1, Math.round(windowMs)), "NX")
          .incrby(key, by)
          .exec();
        const sum = results?.[1]?.[1];
        return typeof sum === "number" ? sum : by;
      }),
    async ping() {
      try {
        await redis.ping();
      } catch (error) {
        // Without a connection a command only says that there is none; why is what the connection said.
        throw cacheUnavailable(trouble ?? error);
      }
    },
    async close() {
      redis.disconnect();
    },
  };
}
