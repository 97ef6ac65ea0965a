/** At most `max` at a time; who comes later waits in line, and gives up by its signal. */
export interface Slots {
  /** @returns gives the slot back; undefined when none came free within `waitMs` */
  take(waitMs: number, signal?: AbortSignal): Promise<(() => void) | undefined>;
  readonly running: number;
}

export function createSlots(max: number): Slots {
  let running = 0;
  const waiting: (() => void)[] = [];
  const give = () => {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    };
  };
  return {
    async take(waitMs, signal) {
      signal?.throwIfAborted();
      if (running < max) {
        running++;
        return give();
      }
      const { promise, resolve, reject } = Promise.withResolvers<(() => void) | undefined>();
      const turn = () => {
        end();
        resolve(give());
      };
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        const at = waiting.indexOf(turn);
        if (at >= 0) waiting.splice(at, 1);
      };
      const onAbort = () => {
        end();
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        end();
        resolve(undefined);
      }, waitMs);
      signal?.addEventListener("abort", onAbort, { once: true });
      waiting.push(turn);
      return promise;
    },
    get running() {
      return running;
    },
  };
}
