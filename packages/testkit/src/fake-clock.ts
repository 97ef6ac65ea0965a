import type { Clock } from "@tocsin/runtime";

/** A clock that moves only when told. */
export interface FakeClock extends Clock {
  /** Moves on by `ms` and wakes, in order, every sleeper whose time has come. */
  advance(ms: number): Promise<void>;
  readonly sleepers: number;
}

/** @param startAt where it begins, RFC 3339. Default 2026-01-01T00:00:00Z. */
export function fakeClock(startAt = "2026-01-01T00:00:00.000Z"): FakeClock {
  let now = Date.parse(startAt);
  const waiting: { at: number; wake: () => void }[] = [];
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const entry = { at: now + ms, wake: resolve };
        waiting.push(entry);
        signal?.addEventListener(
          "abort",
          () => {
            const index = waiting.indexOf(entry);
            if (index >= 0) waiting.splice(index, 1);
            reject(signal.reason);
          },
          { once: true },
        );
      }),
    async advance(ms) {
      const until = now + ms;
      for (;;) {
        const due = waiting.filter((entry) => entry.at <= until).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        waiting.splice(waiting.indexOf(due), 1);
        now = Math.max(now, due.at);
        due.wake();
        await new Promise((resolve) => setImmediate(resolve));
      }
      now = until;
    },
    get sleepers() {
      return waiting.length;
    },
  };
}
