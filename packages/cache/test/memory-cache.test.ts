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

  test("an unknown scheme fails naming the known ones", async () => {
    await expect(openCache({ url: "memcached://h", log: silentLogger })).rejects.toMatchObject({
      code: "CACHE_URL_UNKNOWN_SCHEME",
      message: expect.stringContaining("redis://"),
    });
  });
});
