import type { Clock } from "@tocsin/runtime";

/** Does something again and again, with a pause after each time. @returns ends it, after the one under way */
export function repeat(everyMs: number, clock: Clock, work: () => Promise<void>): () => Promise<void> {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await clock.sleep(everyMs, stopping.signal).catch(() => {});
      if (!stopping.signal.aborted) await work();
    }
  })();
  return async () => {
    stopping.abort();
    await running;
  };
}
