import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";

export interface RetryOptions {
  /** How often to try in all, the first time included. Default 5. */
  readonly attempts?: number;
  /** Wait before the second try, in milliseconds; doubles each time. Default 200. */
  readonly baseDelayMs?: number;
  /** Longest wait between two tries, in milliseconds. Default 10,000. */
  readonly maxDelayMs?: number;
  /** Which errors are worth another try. Default: those that say `retryable`. */
  readonly isRetryable?: (error: unknown) => boolean;
  readonly onRetry?: (error: unknown, attempt: number, delayMs: number) => void;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** A number in [0, 1): the jitter. Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * Full-jitter exponential back-off: a random wait between half and all of `base * 2^(attempt - 1)`, capped.
 *
 * @param attempt the try that has just failed, 1 for the first
 * @returns milliseconds
 */
export function backoffMs(attempt: number, baseDelayMs: number, maxDelayMs: number, random: () => number = Math.random): number {
  const ceiling = Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}

/** Calls `work` until it succeeds, the tries are used up or the error is not worth one; then throws the last error. */
export async function retry<T>(work: (attempt: number) => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { attempts = 5, baseDelayMs = 200, maxDelayMs = 10_000, clock = systemClock } = options;
  const isRetryable = options.isRetryable ?? ((e: unknown) => (e as { retryable?: unknown } | null)?.retryable === true);
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt >= attempts || options.signal?.aborted || !isRetryable(error)) throw error;
      const delayMs = backoffMs(attempt, baseDelayMs, maxDelayMs, options.random);
      options.onRetry?.(error, attempt, delayMs);
      await clock.sleep(delayMs, options.signal);
    }
  }
}
