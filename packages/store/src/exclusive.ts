import { setImmediate as nextTurn } from "node:timers/promises";

/** Lets one at a time through, in order of arrival. */
export interface Exclusive {
  /** Resolves when it is one's turn. @returns gives the turn to the next; calling it again does nothing */
  acquire(): Promise<() => void>;
  run<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * A queue in front of a single connection. PGlite answers within microtasks, so a busy queue alone would keep timers and sockets of the
 * process waiting for ever: after `sliceMs` milliseconds of uninterrupted turns the event loop gets one of its own.
 */
export function createExclusive(sliceMs = 10): Exclusive {
  let tail: Promise<void> = Promise.resolve();
  let sliceEnds = 0;
  let turnEnded = true;

  async function acquire(): Promise<() => void> {
    const before = tail;
    let release: () => void = () => {};
    tail = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    const now = performance.now();
    if (turnEnded) {
      turnEnded = false;
      sliceEnds = now + sliceMs;
      setImmediate(() => {
        turnEnded = true;
      });
    } else if (now > sliceEnds) {
      await nextTurn();
    }
    return release;
  }

  return {
    acquire,
    async run(work) {
      const release = await acquire();
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
}
