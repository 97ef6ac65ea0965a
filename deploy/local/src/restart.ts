/** First wait, doubled with every failure up to the longest, in milliseconds. */
const FIRST_MS = 500;
const LONGEST_MS = 30_000;
/** Exit code 2 says that the set-up is wrong: only a person changes that. */
const SETUP_MS = 5_000;
/** What ran this long before it ended is not looping, in milliseconds. */
const STEADY_MS = 60_000;

/**
 * Pure: how long to wait before starting again what has ended.
 *
 * @param failures in a row before this one
 * @param ranMs how long it ran
 * @param code its exit code, null when a signal ended it
 */
export function nextStart(failures: number, ranMs: number, code: number | null): { readonly failures: number; readonly delayMs: number } {
  const count = ranMs >= STEADY_MS ? 1 : failures + 1;
  const base = code === 2 ? SETUP_MS : FIRST_MS;
  return { failures: count, delayMs: Math.min(LONGEST_MS, base * 2 ** Math.min(count - 1, 10)) };
}
