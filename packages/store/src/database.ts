import type { Sql } from "@tocsin/runtime";
import type { Jobs } from "./jobs.ts";

/** An open store: the handle that everything uses, the jobs on it, and its end. */
export interface Store {
  readonly sql: Sql;
  readonly jobs: Jobs;
  /** Which engine answers: `pglite` (embedded) or `postgres`. */
  readonly engine: "pglite" | "postgres";
  /** For libraries that want a `pg.Pool` (LangGraph's checkpointer): same engine, separate use. */
  readonly pool: PoolLike;
  /** Answers when the database does. @throws AppError `STORE_UNAVAILABLE` */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The part of `pg.Pool` that libraries use. Over PGlite, a connected client holds the one connection until released. */
export interface PoolLike {
  query(text: string, params?: unknown[]): Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>;
  connect(): Promise<{
    query(text: string, params?: unknown[]): Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>;
    release(error?: Error | boolean): void;
  }>;
  end(): Promise<void>;
}
