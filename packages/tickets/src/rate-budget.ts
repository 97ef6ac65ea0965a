import type { Clock } from "@tocsin/runtime";

/** A bucket of tokens that fills evenly: so many calls a minute, with a burst of at most `burst`. */
export interface RateBudget {
  /** Takes a token, waiting for it when there is none. First come, first served. */
  take(signal?: AbortSignal): Promise<void>;
}

export function createRateBudget(perMinute: number, burst: number, clock: Clock): RateBudget {
  const everyMs = 60_000 / perMinute;
  let freeAt = clock.now() - (burst - 1) * everyMs; // when the next token is due; in the past while the bucket holds some
  return {
    async take(signal) {
      const now = clock.now();
      const at = Math.max(freeAt, now - (burst - 1) * everyMs);
      freeAt = at + everyMs;
      if (at > now) await clock.sleep(at - now, signal);
    },
  };
}
