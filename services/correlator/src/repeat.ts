import type { Clock } from "@tocsin/runtime";

export interface Repeated {
  /** Does it at once, or again right after the one under way. */
  soon(): void;
  /** Ends it, after the one under way. */
  stop(): Promise<void>;
}

/** Does something again and again, with a pause after each time. `work` has to deal with its own errors. */
export function repeat(everyMs: number, clock: Clock, work: () => Promise<void>): Repeated {
  let stopped = false;
  let wanted = false;
  let pause = new AbortController();
  const running = (async () => {
    while (!stopped) {
      if (!wanted) await clock.sleep(everyMs, pause.signal).catch(() => {});
      pause = new AbortController();
      wanted = false;
      if (!stopped) await work();
    }
  })();
  return {
    soon() {
      wanted = true;
      pause.abort();
    },
    async stop() {
      stopped = true;
      pause.abort();
      await running;
    },
  };
}
