import { resolve } from "node:path";
import { type Clock, type Logger, systemClock } from "@tocsin/runtime";
import type { Store } from "./database.ts";
import type { Engine } from "./engine.ts";
import { storeUrlUnknown } from "./errors.ts";
import type { OnJobWorked } from "./jobs.ts";
import { migrate } from "./migrate.ts";
import { openJobs } from "./pgboss-jobs.ts";
import { EMBEDDING_DIMENSIONS } from "./repositories/recall.ts";
import { type Retention, startUpkeep } from "./upkeep.ts";
import { prepareVectors } from "./vector-extension.ts";

export interface StoreOptions {
  /** `embedded:./folder` (PGlite in a folder), `embedded:memory` (PGlite, gone with the process), `postgres://…`. */
  readonly url: string;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Most connections of the pool, at least 2; Postgres only. Default 10. */
  readonly maxConnections?: number;
  /**
   * A transaction that runs no statement for this long is rolled back and its connection taken away, in milliseconds. Default 15,000: what it
   * locks, everybody else waits for, e.g. when its process was paused in the middle of it.
   */
  readonly idleInTransactionMs?: number;
  readonly retention?: Retention;
  /** For counting. */
  readonly onJobWorked?: OnJobWorked;
}

/**
 * Opens the store: connects, migrates, starts the jobs. Only the engine that the URL names is loaded.
 *
 * @throws AppError `STORE_URL_UNKNOWN_SCHEME`, `STORE_FOLDER_UNUSABLE`, `STORE_AUTH_FAILED`, `STORE_UNAVAILABLE`, `STORE_MIGRATION_FAILED`
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { log, clock = systemClock } = options;
  const engine = await openEngine(options);
  try {
    const applied = await migrate(engine.sql);
    if (applied.length > 0) log.info({ applied }, "store migrated");
    await prepareVectors(engine.sql, EMBEDDING_DIMENSIONS, log);
    // This process alone has the folder: a lease in it belongs to a process that is gone.
    if (engine.name === "pglite") await engine.sql.query("DELETE FROM leases");
    const jobs = await openJobs(engine, log, clock, options.onJobWorked);
    const stopUpkeep = startUpkeep({ sql: engine.sql, engine: engine.name, log, clock, retention: options.retention ?? {} });
    let closing: Promise<void> | undefined;
    return {
      sql: engine.sql,
      jobs,
      engine: engine.name,
      pool: engine.pool,
      ping: () => engine.ping(),
      close() {
        closing ??= Promise.all([jobs.close(), stopUpkeep()])
          .then(() => {})
          .finally(() => engine.close());
        return closing;
      },
    };
  } catch (error) {
    await engine.close().catch((err: unknown) => log.warn({ err }, "store close failed"));
    throw error;
  }
}

async function openEngine({
  url,
  log,
  clock = systemClock,
  maxConnections = 10,
  idleInTransactionMs = 15_000,
}: StoreOptions): Promise<Engine> {
  if (url.startsWith("embedded:")) {
    const { openPglite } = await import("./pglite-engine.ts");
    const path = url.slice("embedded:".length);
    if (path === "memory") return openPglite(undefined, log, idleInTransactionMs);
    return openPglite(resolve(path === "" ? "./.data" : path), log, idleInTransactionMs);
  }
  if (/^postgres(ql)?:\/\//.test(url)) {
    const { openPostgres } = await import("./postgres-engine.ts");
    return openPostgres({ url, log, clock, maxConnections: Math.max(2, maxConnections), idleInTransactionMs });
  }
  throw storeUrlUnknown(url);
}
