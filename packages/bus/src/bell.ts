/** Lets a loop sleep until something rings or the time is over. A ring before the wait is not lost. */
export interface Bell {
  ring(): void;
  /** Has it rung since it was last asked or waited for? */
  take(): boolean;
  /** Resolves at the next ring, at once when it rang since the last wait, or after `ms` milliseconds. */
  wait(ms: number): Promise<void>;
}

export function createBell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    take() {
      const hasRung = rung;
      rung = false;
      return hasRung;
    },
    async wait(ms) {
      if (!rung && ms > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        wake = undefined;
      }
      rung = false;
    },
  };
}
