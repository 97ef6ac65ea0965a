import type { Clock } from "@tocsin/runtime";
import type { Cache } from "./cache.ts";

interface Entry {
  value: string;
  expiresAt: number;
}

/** Most entries kept; beyond it the oldest go. Losing one costs a repeated piece of work, never a wrong answer. */
const MAX_ENTRIES = 200_000;

/** A cache in this process: what one process alone needs, and what stands in when Redis is not configured. */
export function memoryCache(clock: Clock): Cache {
  const entries = new Map<string, Entry>(); // in order of insertion: the first is the oldest
  // Goes on where it stopped, which is at the oldest. One that starts anew steps over every place that was emptied before: when full,
  // each entry would cost a third of a millisecond.
  let oldestFirst = entries.keys();

  function live(key: string): Entry | undefined {
    const entry = entries.get(key);
    if (entry === undefined || entry.expiresAt > clock.now()) return entry;
    entries.delete(key);
    return undefined;
  }
  function put(key: string, value: string, expiresAt: number): void {
    entries.delete(key);
    entries.set(key, { value, expiresAt });
    while (entries.size > MAX_ENTRIES) {
      const oldest = oldestFirst.next();
      if (oldest.done === true) oldestFirst = entries.keys();
      else entries.delete(oldest.value);
    }
  }

  return {
    get: async (key) => live(key)?.value,
    set: async (key, value, ttlMs) => put(key, value, clock.now() + ttlMs),
    present: async (keys) => new Set(keys.filter((key) => live(key) !== undefined)),
    async remember(keys, ttlMs) {
      const expiresAt = clock.now() + ttlMs;
      for (const key of keys) put(key, "1", expiresAt);
    },
    async add(key, by, windowMs) {
      const before = live(key);
      const sum = Number(before?.value ?? 0) + by;
      if (before) before.value = String(sum);
      else put(key, String(sum), clock.now() + windowMs);
      return sum;
    },
    ping: async () => {},
    close: async () => entries.clear(),
  };
}
