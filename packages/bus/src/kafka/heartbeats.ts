export interface Heartbeats {
  /** Keeps the member alive until the returned function is called, however long the work takes. */
  during(beat: () => Promise<void>): () => void;
  stop(): void;
}

/**
 * kafkajs beats between batches only; a slow handler would be thrown out of its group and get the same events for ever. So a timer beats
 * while anything is being handled.
 *
 * @param onFailure gets every failed beat, and `undefined` when none has succeeded for `sessionMs`: the brokers have given us up by then
 */
export function createHeartbeats(intervalMs: number, sessionMs: number, onFailure: (error: unknown) => boolean): Heartbeats {
  const beats = new Set<() => Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let aliveAt = 0;
  let ticks = 0;

  function tick(): void {
    const now = performance.now();
    if (now - aliveAt > sessionMs) {
      onFailure(undefined);
      return;
    }
    const [beat] = beats;
    const mine = ++ticks;
    beat?.().then(
      () => {
        if (mine <= ticks) aliveAt = Math.max(aliveAt, now);
      },
      (error: unknown) => {
        // During a rebalance a beat fails and yet counts as a sign of life.
        if (onFailure(error)) aliveAt = Math.max(aliveAt, now);
      },
    );
  }

  return {
    during(beat) {
      const own = () => beat();
      beats.add(own);
      if (timer === undefined) {
        aliveAt = performance.now();
        timer = setInterval(tick, intervalMs);
      }
      return () => {
        beats.delete(own);
        if (beats.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
