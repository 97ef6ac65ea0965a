import { setTimeout as delay } from "node:timers/promises";

/** Something that is read again and again. */
export interface Following {
  /** Reads to the end once more, then no further. */
  stop(): Promise<void>;
}

/** Reads now, `everyMs` after each reading, and once more when it is stopped. */
export function repeat(read: () => Promise<void>, everyMs: number): Following {
  const stopped = new AbortController();
  const running = (async () => {
    for (;;) {
      const isLast = stopped.signal.aborted;
      await read();
      if (isLast) return;
      await delay(everyMs, undefined, { signal: stopped.signal }).catch(() => {});
    }
  })();
  return {
    stop() {
      stopped.abort();
      return running;
    },
  };
}
