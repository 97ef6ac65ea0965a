/**
 * kafkajs has known ways to stop without a word. A consumer that has work waiting and has not moved for `stallMs` is stuck.
 */
export function startWatchdog(options: {
  readonly stallMs: number;
  /** For how long the consumer has not moved, in milliseconds; 0 while it has a reason not to. */
  readonly idleMs: () => number;
  readonly lag: () => Promise<number>;
  /** Nothing waits: being idle is right. */
  readonly onQuiet: () => void;
  readonly onStall: (why: string) => Promise<void>;
}): { check(): Promise<void>; stop(): void } {
  let checking: Promise<void> | undefined;
  async function look(): Promise<void> {
    const { stallMs } = options;
    if (options.idleMs() < stallMs) return;
    // With the brokers away there is nothing to be learnt, and nothing to be rebuilt.
    const lag = await options.lag().catch(() => undefined);
    if (lag === undefined) return;
    if (lag === 0) options.onQuiet();
    else if (options.idleMs() >= stallMs) await options.onStall(`${lag} events wait and nothing has moved for ${stallMs} ms`);
  }
  function check(): Promise<void> {
    checking ??= look().finally(() => {
      checking = undefined;
    });
    return checking;
  }
  const timer = setInterval(() => void check(), options.stallMs / 4);
  timer.unref();
  return { check, stop: () => clearInterval(timer) };
}

/** One rebuild is allowed, then another only when things went well for `quietMs` in between. Default ten minutes. */
export function createRebuildPolicy(quietMs = 600_000, now: () => number = () => performance.now()): { mayRebuild(): boolean } {
  let rebuiltAt: number | undefined;
  return {
    mayRebuild() {
      const isAllowed = rebuiltAt === undefined || now() - rebuiltAt > quietMs;
      rebuiltAt = now();
      return isAllowed;
    },
  };
}
