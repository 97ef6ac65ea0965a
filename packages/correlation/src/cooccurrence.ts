// Terms. A *key* is a rule on a workload. A *pair* is two keys that began within one window of each other; how often that
// happened is counted, and old counts fade. Counting looks at time alone, never at our own grouping: a mistake must not teach itself.

interface Fading {
  count: number;
  at: number;
}

export interface PairChange {
  readonly a: string;
  readonly b: string;
  readonly count: number;
  readonly at: number;
}

export interface PairMemory {
  /** A number for each key, in the order in which they were met: there are many more pairs than keys, and text for each would fill the memory. */
  readonly ids: Map<string, number>;
  /** How often a key began. */
  readonly totals: Map<string, Fading>;
  /** By {@link pairId}. */
  readonly pairs: Map<number, Fading>;
  /** Partners of a key that have been seen often enough once. */
  readonly partners: Map<string, Set<string>>;
  /** The keys that began last, newest last. */
  readonly recent: { key: string; at: number }[];
}

/** One beginning is paired with so many before it: the cost stays the same in a storm. */
const PAIRED_WITH = 8;
/** The same key beginning again sooner than this is the same episode, in milliseconds. */
const EPISODE_MS = 60 * 60_000;
const MAX_KEYS = 20_000;

export const createPairs = (): PairMemory => ({ ids: new Map(), totals: new Map(), pairs: new Map(), partners: new Map(), recent: [] });

function idOf({ ids }: PairMemory, key: string): number {
  let id = ids.get(key);
  if (id === undefined) {
    id = ids.size;
    ids.set(key, id);
  }
  return id;
}

/** Many times more than the keys that are ever learned and restored, and few enough that two make an exact number. */
const SPREAD = 2 ** 20;

/** The same for both orders. */
function pairId(memory: PairMemory, a: string, b: string): number {
  const [one, other] = [idOf(memory, a), idOf(memory, b)];
  return one < other ? one * SPREAD + other : other * SPREAD + one;
}

const faded = (entry: Fading | undefined, at: number, halfLifeMs: number): number =>
  entry === undefined ? 0 : entry.count * 2 ** (-Math.max(0, at - entry.at) / halfLifeMs);

/**
 * Counts that a key began at `at`, and that the keys before it inside the window began with it.
 *
 * @returns what changed, totals as pairs of a key with itself
 */
export function learn(memory: PairMemory, key: string, at: number, windowMs: number, halfLifeMs: number, minimum: number): PairChange[] {
  const known = memory.totals.get(key);
  if (known !== undefined && Math.abs(at - known.at) < EPISODE_MS) return [];
  if (known === undefined && memory.totals.size >= MAX_KEYS) return [];
  const changes: PairChange[] = [];
  const total = faded(known, at, halfLifeMs) + 1;
  memory.totals.set(key, { count: total, at });
  changes.push({ a: key, b: key, count: total, at });
  for (const other of memory.recent.slice(-PAIRED_WITH)) {
    if (other.key === key || Math.abs(at - other.at) > windowMs) continue;
    const id = pairId(memory, key, other.key);
    const count = faded(memory.pairs.get(id), at, halfLifeMs) + 1;
    memory.pairs.set(id, { count, at });
    const [a, b] = key < other.key ? [key, other.key] : [other.key, key];
    changes.push({ a, b, count, at });
    if (count >= minimum) remember(memory, a, b);
  }
  memory.recent.push({ key, at });
  if (memory.recent.length > PAIRED_WITH * 4) memory.recent.splice(0, memory.recent.length - PAIRED_WITH);
  return changes;
}

function remember(memory: PairMemory, a: string, b: string): void {
  memory.partners.set(a, (memory.partners.get(a) ?? new Set()).add(b));
  memory.partners.set(b, (memory.partners.get(b) ?? new Set()).add(a));
}

/** Puts a stored pair back. A pair of a key with itself is its total. */
export function restorePair(memory: PairMemory, pair: PairChange, minimum: number): void {
  if (pair.a === pair.b) {
    memory.totals.set(pair.a, { count: pair.count, at: pair.at });
    return;
  }
  memory.pairs.set(pairId(memory, pair.a, pair.b), { count: pair.count, at: pair.at });
  if (pair.count >= minimum) remember(memory, pair.a, pair.b);
}

/**
 * How surely two keys come together.
 *
 * @returns 0 when seen together less than `minimum` times, else the share of all their beginnings in which both began, 0 to 1
 */
export function affinity(memory: PairMemory, a: string, b: string, at: number, halfLifeMs: number, minimum: number): number {
  const together = faded(memory.pairs.get(pairId(memory, a, b)), at, halfLifeMs);
  if (together < minimum * 0.75) return 0;
  const either = faded(memory.totals.get(a), at, halfLifeMs) + faded(memory.totals.get(b), at, halfLifeMs) - together;
  return either <= 0 ? 0 : Math.min(1, together / either);
}
