/** The newest `capacity` things in order of arrival; older ones fall out. */
export interface Ring<T> {
  push(item: T): void;
  /** Newest `limit` items with `from <= at(item) < to`, ascending as they arrived. */
  newest(from: number, to: number, limit: number): T[];
}

/** @param at when an item happened, in Unix seconds */
export function createRing<T>(capacity: number, at: (item: T) => number): Ring<T> {
  const items: T[] = [];
  let next = 0; // where the next one goes once the ring is full
  return {
    push(item) {
      if (items.length < capacity) items.push(item);
      else {
        items[next] = item;
        next = (next + 1) % capacity;
      }
    },
    newest(from, to, limit) {
      const found: T[] = [];
      for (let back = 1; back <= items.length && found.length < limit; back++) {
        const item = items[(next - back + 2 * items.length) % items.length] as T;
        if (at(item) >= from && at(item) < to) found.push(item);
      }
      return found.reverse();
    },
  };
}
