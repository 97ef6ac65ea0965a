/** A connection pool as services have one in front of their database: a fixed size and a queue with a deadline. */
export interface Pool {
  readonly size: number;
  readonly inUse: number;
  readonly waiting: number;
  /**
   * Takes a connection.
   * @param waitMs how long to wait for one at most
   * @returns gives it back; `undefined` when none came free in time
   */
  take(waitMs: number): Promise<(() => void) | undefined>;
  /** Takes up to `count` connections that nobody will ever give back; those in use are lost as they come free. */
  leak(count: number): void;
  /** Gives the leaked ones back. */
  mend(): void;
}

export function createPool(size: number): Pool {
  let inUse = 0;
  let leaked = 0;
  let toLeak = 0;
  const queue: ((granted: boolean) => void)[] = [];

  const release = () => {
    if (toLeak > 0) {
      toLeak -= 1;
      leaked += 1;
      return;
    }
    const next = queue.shift();
    if (next) next(true);
    else inUse -= 1;
  };
  const once = (action: () => void) => {
    let done = false;
    return () => {
      if (done) return;
      done = true;
      action();
    };
  };

  return {
    size,
    get inUse() {
      return inUse;
    },
    get waiting() {
      return queue.length;
    },
    take(waitMs) {
      if (inUse < size) {
        inUse += 1;
        return Promise.resolve(once(release));
      }
      return new Promise((resolve) => {
        const settle = (granted: boolean) => {
          clearTimeout(timer);
          resolve(granted ? once(release) : undefined);
        };
        const timer = setTimeout(() => {
          queue.splice(queue.indexOf(settle), 1);
          settle(false);
        }, waitMs);
        queue.push(settle);
      });
    },
    leak(count) {
      for (let taken = 0; taken < count; taken++) {
        if (inUse < size) {
          inUse += 1;
          leaked += 1;
        } else toLeak += 1;
      }
    },
    mend() {
      toLeak = 0;
      for (; leaked > 0; leaked--) release();
    },
  };
}
