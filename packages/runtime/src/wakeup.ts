import type { Clock } from "./clock.ts";

/** Lets a loop sleep until there is something to do. A wake that comes while nobody sleeps is kept for the next sleep. */
export interface Wakeup {
  wake(): void;
  /** Was it woken since this was last asked, or since it last slept? */
  wasWoken(): boolean;
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
    wasWoken() {
      const woken = pending;
      pending = false;
      return woken;
    },
    async sleep(ms) {
      if (!pending && ms > 0) {
        sleeping = new AbortController();
        await clock.sleep(ms, sleeping.signal).catch(() => {});
        sleeping = undefined;
      }
      pending = false;
    },
  };
}
