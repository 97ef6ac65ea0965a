import { AsyncLocalStorage } from "node:async_hooks";
import type { Queryable, Sql } from "@tocsin/runtime";
import type { PoolLike } from "./database.ts";
import { transactionNested } from "./errors.ts";

/** What an engine offers inside this package. */
export interface Engine {
  readonly name: "pglite" | "postgres";
  readonly sql: Sql;
  readonly pool: PoolLike;
  /** With the driver's own values, several statements allowed: for libraries. */
  native(text: string, params?: readonly unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  /** Does the work while no other process does work under the same key. The work uses the engine as always. */
  exclusively<T>(key: number, work: () => Promise<T>): Promise<T>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

const transactions = new AsyncLocalStorage<{ open: boolean }>();

/**
 * Refuses the outer handle inside a transaction: on PGlite it would wait for itself for ever, on Postgres it would quietly read
 * and write outside the transaction.
 * @throws AppError `STORE_TRANSACTION_NESTED`
 */
export function assertOutsideTransaction(): void {
  if (transactions.getStore()?.open) throw transactionNested();
}

export async function insideTransaction<T>(tx: Queryable, work: (tx: Queryable) => Promise<T>): Promise<T> {
  const mark = { open: true };
  try {
    return await transactions.run(mark, () => work(tx));
  } finally {
    mark.open = false;
  }
}

/** Binds a callback to the context it was given in, so that one called from within somebody's transaction does not count as part of it. */
export const outsideTransaction = <A extends unknown[]>(callback: (...args: A) => void): ((...args: A) => void) =>
  transactions.run({ open: false }, () => AsyncLocalStorage.bind(callback));
