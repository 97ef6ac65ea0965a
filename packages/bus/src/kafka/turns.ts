// kafkajs hands over the fetched batches of all partitions at once. Here they wait for their turn: one delivery at a time, the most
// urgent topic first, as the port promises.

export interface Turns {
  /**
   * Waits for the turn of a partition. @param rank the smaller the more urgent
   * @returns false: not now, something more urgent has yet to be fetched, or everybody was sent home
   */
  enter(name: string, rank: number): Promise<boolean>;
  leave(): void;
  /** More of this partition waits at the broker: whoever is less urgent fetches anew rather than go before it. */
  expect(name: string, rank: number): void;
  /** Sends everybody home who waits. */
  dismiss(): void;
}

/** How long others make way for what was announced but does not come, e.g. because only control records are left. */
const EXPECTED_FOR_MS = 1_000;

export function createTurns(now: () => number = () => performance.now()): Turns {
  let waiting: { name: string; rank: number; grant: (isTurn: boolean) => void }[] = [];
  const expected = new Map<string, { rank: number; until: number }>();
  let busy = false;
  let scheduled = false;

  function grantNext(): void {
    scheduled = false;
    if (busy || waiting.length === 0) return;
    for (const [name, { until }] of expected) if (until <= now()) expected.delete(name);
    const urgent = Math.min(...[...expected.values()].map(({ rank }) => rank));
    const next = waiting.reduce((best, one) => (one.rank < best.rank ? one : best));
    if (next.rank > urgent) {
      dismiss();
      return;
    }
    waiting = waiting.filter((one) => one !== next);
    busy = true;
    next.grant(true);
  }

  /** After all batches of one fetch have queued up: they are handed over in one go. */
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(grantNext);
  }

  function dismiss(): void {
    const home = waiting;
    waiting = [];
    for (const one of home) one.grant(false);
  }

  return {
    enter(name, rank) {
      expected.delete(name);
      return new Promise((grant) => {
        waiting.push({ name, rank, grant });
        schedule();
      });
    },
    leave() {
      busy = false;
      schedule();
    },
    expect(name, rank) {
      expected.set(name, { rank, until: now() + EXPECTED_FOR_MS });
    },
    dismiss,
  };
}
