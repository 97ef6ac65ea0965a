/**
 * The database as packages below `host` see it: PostgreSQL's dialect with `$1` parameters, whether a server or PGlite
 * stands behind it. Both give the same JavaScript values: `int8` and `numeric` as number, `timestamptz` as RFC 3339
 * text in UTC with milliseconds, `json`/`jsonb` parsed, `bytea` as Uint8Array.
 */
export interface Queryable {
  /**
   * Runs one statement.
   * @throws AppError `STORE_UNAVAILABLE` (retryable) when the database cannot be reached,
   *   `STORE_CONFLICT` on a unique violation, `STORE_QUERY_FAILED` otherwise
   */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    params?: readonly unknown[],
  ): Promise<{ rows: Row[]; rowCount: number }>;
}

export interface Sql extends Queryable {
  /** One transaction, read committed. Rolls back when `work` throws. Nested calls are not supported. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /**
   * Calls back for each `NOTIFY channel, payload` committed after this resolves, also after the connection was lost
   * and made anew (then once with an empty payload, because notices may have been missed meanwhile).
   * @returns ends the listening
   */
  listen(channel: string, onNotice: (payload: string) => void): Promise<() => Promise<void>>;
}
