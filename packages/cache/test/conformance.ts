import { expect, test } from "vitest";
import type { Cache } from "../src/cache.ts";

/** What every cache adapter has to do. `pass` lets the given time go by for the adapter under test. */
export function cacheConformance(open: () => Promise<{ cache: Cache; pass: (ms: number) => Promise<void> }>): void {
  test("gives back what was set, until its time is over", async () => {
    const { cache, pass } = await open();
    await cache.set("a", "1", 1_000);
    expect(await cache.get("a")).toBe("1");
    expect(await cache.get("b")).toBeUndefined();
    await pass(1_100);
    expect(await cache.get("a")).toBeUndefined();
  });

  test("says which of many keys are remembered", async () => {
    const { cache } = await open();
    await cache.remember(["x", "y"], 60_000);
    expect(await cache.present(["x", "y", "z"])).toEqual(new Set(["x", "y"]));
    expect(await cache.present([])).toEqual(new Set());
    await cache.remember([], 60_000);
  });

  test("counts inside a window that its first addition starts", async () => {
    const { cache, pass } = await open();
    expect(await cache.add("c", 2, 2_000)).toBe(2);
    await pass(500);
    expect(await cache.add("c", 3, 2_000)).toBe(5);
    await pass(1_600);
    expect(await cache.add("c", 1, 2_000)).toBe(1);
  });
}
