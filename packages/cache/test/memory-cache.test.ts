import { silentLogger } from "@tocsin/runtime";
import { fakeClock } from "@tocsin/testkit";
import { describe, expect, test } from "vitest";
import { memoryCache } from "../src/memory-cache.ts";
import { openCache } from "../src/open-cache.ts";
import { cacheConformance } from "./conformance.ts";

describe("memory cache", () => {
  cacheConformance(async () => {
    const clock = fakeClock();
    return { cache: memoryCache(clock), pass: (ms) => clock.advance(ms) };
  });

  test("keeps the newest 200,000 entries, what was written again among them, however many came before", async () => {
    const cache = memoryCache(fakeClock());
    const names = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `k${from + i}`);
    await cache.remember(names(0, 200_000), 60_000);
    await cache.remember(["k0"], 60_000);
    // Ten times over: stepping from the first place of the map to the oldest entry each time, this takes minutes.
    await cache.remember(names(200_000, 399_999), 60_000);
    expect([...(await cache.present(["k0", "k199999", "k200000"]))]).toEqual(["k0", "k200000"]);
    for (let from = 400_000; from < 2_000_000; from += 100_000) await cache.remember(names(from, from + 100_000), 60_000);
    expect([...(await cache.present(["k0", "k1799999", "k1800000", "k1999999"]))]).toEqual(["k1800000", "k1999999"]);
  });

  test("an unknown scheme fails naming the known ones", async () => {
    await expect(openCache({ url: "memcached://h", log: silentLogger })).rejects.toMatchObject({
      code: "CACHE_URL_UNKNOWN_SCHEME",
      message: expect.stringContaining("redis://"),
    });
  });
});
