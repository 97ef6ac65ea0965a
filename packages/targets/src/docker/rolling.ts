import { setTimeout as delay } from "node:timers/promises";
import { baseNameOf, type Inspected, replicaOf } from "./container-view.ts";

const POLL_MS = 200;
/** A process that dies at its start runs for a moment first: healthy counts when it still is after this time. */
const SETTLE_MS = 400;

export interface Rolled {
  /** Names of the replicas that were done, in order. */
  readonly done: readonly string[];
  readonly incomplete?: string;
}

/**
 * Does `work` on one replica after another: the ill ones first, each healthy again before the next, never the last healthy one of several.
 *
 * @param look the service's containers now
 * @param until epoch milliseconds: when nothing more is begun
 */
export async function roll(
  look: () => Promise<readonly Inspected[]>,
  until: number,
  signal: AbortSignal | undefined,
  work: (container: Inspected) => Promise<unknown>,
): Promise<Rolled> {
  const all = await look();
  const isHealthy = (container: Inspected) => replicaOf(container).healthy;
  const order = [...all.filter((container) => !isHealthy(container)), ...all.filter(isHealthy)].map(baseNameOf);
  const done: string[] = [];
  const left = () => order.slice(done.length).join(", ");
  for (const name of order) {
    signal?.throwIfAborted();
    const now = await look();
    const container = now.find((each) => baseNameOf(each) === name);
    if (!container) return { done, incomplete: `${name} is gone; left alone: ${left()}` };
    if (done.length > 0 && Date.now() > until) return { done, incomplete: `the time was over; left alone: ${left()}` };
    // Looked at again right before each: another replica may have died meanwhile.
    if (order.length > 1 && isHealthy(container) && now.filter(isHealthy).length === 1)
      return { done, incomplete: `${name} is the last healthy replica; left alone: ${left()}` };
    await work(container);
    done.push(name);
    if (done.length < order.length && !(await isBack(look, name, until, signal)))
      return { done, incomplete: `${name} did not come back healthy; left alone: ${left()}` };
  }
  return { done };
}

async function isBack(
  look: () => Promise<readonly Inspected[]>,
  name: string,
  until: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let healthySince: number | undefined;
  for (;;) {
    const container = (await look()).find((each) => baseNameOf(each) === name);
    const now = Date.now();
    healthySince = container && replicaOf(container).healthy ? (healthySince ?? now) : undefined;
    if (healthySince !== undefined && now - healthySince >= SETTLE_MS) return true;
    if (now >= until) return false;
    await delay(POLL_MS, undefined, signal ? { signal } : {});
  }
}
