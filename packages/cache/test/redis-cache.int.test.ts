import { setTimeout as delay } from "node:timers/promises";
import { silentLogger } from "@tocsin/runtime";
import { eventually, freePort, lacks, type RunningProcess, startRedis } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cache } from "../src/cache.ts";
import { redisCache } from "../src/redis-cache.ts";
import { cacheConformance } from "./conformance.ts";

describe.skipIf(lacks("redis-server"))("redis cache", () => {
  let redis: RunningProcess;
  let port: number;
  const caches: Cache[] = [];
  let run = 0;

  async function openReady(): Promise<Cache> {
    const cache = redisCache(`redis://127.0.0.1:${port}/${run++ % 16}`, silentLogger);
    caches.push(cache);
    await eventually("redis answers", () => cache.ping().then(() => true));
    return cache;
  }
  beforeAll(async () => {
    port = await freePort();
    redis = await startRedis(port);
  });
  afterAll(async () => {
    await Promise.all(caches.map((cache) => cache.close()));
    await redis.stop();
  });

  // Redis keeps its own time, so here time really has to pass.
  cacheConformance(async () => ({ cache: await openReady(), pass: (ms) => delay(ms) }));

  test("Redis away degrades at once and is used again when it is back", async () => {
    const cache = await openReady();
    await cache.remember(["k"], 60_000);
    await redis.stop();
    await eventually("the loss is noticed", async () => ((await cache.present(["k"])).size === 0 ? true : undefined));
    const startedAt = performance.now();
    expect(await cache.get("k")).toBeUndefined();
    expect(await cache.add("n", 4, 1_000)).toBe(4);
    await cache.set("k", "v", 1_000);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    await expect(cache.ping()).rejects.toMatchObject({ code: "CACHE_UNAVAILABLE" });

    redis = await startRedis(port);
    await eventually("redis is back", () => cache.ping().then(() => true), 15_000);
    await cache.set("k", "v", 60_000);
    expect(await cache.get("k")).toBe("v");
  });
});
