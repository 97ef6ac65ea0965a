/** A seeded source of chance, the same on every machine (mulberry32). */
export interface Chance {
  /** In [0, 1). */
  next(): number;
  /** In [from, to]. */
  between(from: number, to: number): number;
  pick<T>(list: readonly T[]): T;
  shuffled<T>(list: readonly T[]): T[];
}

export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  return {
    next,
    between: (from, to) => from + next() * (to - from),
    pick,
    shuffled(list) {
      const rest = [...list];
      for (let at = rest.length - 1; at > 0; at--) {
        const other = Math.floor(next() * (at + 1));
        [rest[at], rest[other]] = [rest[other] as never, rest[at] as never];
      }
      return rest;
    },
  };
}
