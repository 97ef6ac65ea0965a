/** Keeps the beginning and the end of a text that may be long; the middle is replaced by how much is missing. */
export interface CappedText {
  append(text: string): void;
  toString(): string;
}

/** @param cap characters kept: a quarter of them from the beginning, the rest from the end */
export function createCappedText(cap: number): CappedText {
  const headCap = Math.floor(cap / 4);
  const tailCap = cap - headCap;
  let head = "";
  let tail = "";
  let dropped = 0;
  return {
    append(text) {
      const room = headCap - head.length;
      head += text.slice(0, Math.max(0, room));
      tail += text.slice(Math.max(0, room));
      if (tail.length > 2 * tailCap) {
        dropped += tail.length - tailCap;
        tail = tail.slice(-tailCap);
      }
    },
    toString() {
      const over = Math.max(0, tail.length - tailCap);
      const missing = dropped + over;
      return missing === 0 ? head + tail : `${head}\n… ${missing} characters left out …\n${tail.slice(over)}`;
    },
  };
}
