import { setTimeout as delay } from "node:timers/promises";

class GivenUp extends Error {}

/** Ends an `eventually` at once: what it waits for cannot come any more. */
export function giveUp(reason: string): never {
  throw new GivenUp(reason);
}

/**
 * Asks again until the answer is not undefined: for effects that another process brings about, where no event can be awaited.
 *
 * @param what said in the error when time runs out
 * @param timeoutMs default 30,000: a test that fails may take its time, and one that passes on a busy machine needs it
 */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined> | T | undefined, timeoutMs = 30_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      if (error instanceof GivenUp) throw error;
      last = error;
    }
    if (performance.now() > deadline)
      throw new Error(`not within ${timeoutMs} ms: ${what}`, last === undefined ? undefined : { cause: last });
    await delay(25);
  }
}
