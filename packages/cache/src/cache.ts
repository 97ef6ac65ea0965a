/** A cache and a rate memory. Losing it degrades and never corrupts: nothing true lives here alone. */
export interface Cache {
  /** The value, or undefined when absent, expired or the cache is away. */
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlMs: number): Promise<void>;
  /** Which of the keys are there, in one round trip; none when the cache is away. */
  present(keys: readonly string[]): Promise<ReadonlySet<string>>;
  /** Remembers all keys for `ttlMs`, in one round trip. */
  remember(keys: readonly string[], ttlMs: number): Promise<void>;
  /** Adds `by` to a counter that starts anew `windowMs` after its first addition. @returns the sum so far; `by` when the cache is away */
  add(key: string, by: number, windowMs: number): Promise<number>;
  /** @throws AppError `CACHE_UNAVAILABLE` */
  ping(): Promise<void>;
  close(): Promise<void>;
}
