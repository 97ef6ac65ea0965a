import type { Clock } from "@tocsin/runtime";

/** Lets a loop sleep until there is something to do. A wake that comes while nobody sleeps is kept for the next sleep. */
export interface Wakeup {
  wake(): void;
  /** Resolves after `ms` milliseconds, or at once when woken. Never rejects. */
  sleep(ms: number): Promise<void>;
}

export function createWakeup(clock: Clock): Wakeup {
  let pending = false;
  let sleeping: AbortController | undefined;
  return {
    wake() {
      pending = true;
      sleeping?.abort();
    },
    async sleep(ms) {
      if (!pending) {
        sleeping = new AbortController();
        await clock.sleep(ms, sleeping.signal).catch(() => {});
        sleeping = undefined;
      }
      pending = false;
    },
  };
}
