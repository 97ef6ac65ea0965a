// Terms. PGlite is PostgreSQL compiled to WebAssembly, with one connection. A *turn* is the sole use of that connection: one
// statement, one transaction, or one client of the pool until it is released.
import type { PGlite, Results } from "@electric-sql/pglite";
import type { Logger, Queryable } from "@tocsin/runtime";
import type { PoolLike } from "./database.ts";
import { assertOutsideTransaction, type Engine, insideTransaction, outsideTransaction } from "./engine.ts";
import { queryError, storeFolderUnusable, storeUnavailable, transactionAborted } from "./errors.ts";
import { createExclusive } from "./exclusive.ts";
import { lockFolder } from "./folder-lock.ts";
import { PARSERS, wireParameters } from "./values.ts";

const PARSER_BY_OID = Object.fromEntries(PARSERS);
// Every parameter is text by now (or bytes), whatever its type.
const SERIALIZER_BY_OID: Record<number, (value: unknown) => string> = new Proxy(
  {},
  { get: () => (value: unknown) => (value instanceof Uint8Array ? `\\x${Buffer.from(value).toString("hex")}` : String(value)) },
);

interface Answer {
  rows: Record<string, unknown>[];
  rowCount: number;
}

/** `embedded:memory` has no folder; its content ends with the process. */
export async function openPglite(folder: string | undefined, log: Logger): Promise<Engine> {
  const lock = folder === undefined ? undefined : await lockFolder(folder);
  let db: PGlite;
  try {
    const { PGlite: Pglite } = await import("@electric-sql/pglite");
    // Never `relaxedDurability`: a statement is answered only when its writes are with the operating system.
    db = await Pglite.create(folder === undefined ? "memory://" : `${folder}/pgdata`);
    await db.exec("SET TIME ZONE 'UTC'; SET lock_timeout = '10s';");
  } catch (error) {
    await lock?.release();
    throw storeFolderUnusable(folder ?? "memory", "PGlite does not open it", error);
  }

  const turns = createExclusive();
  const channels = new Map<string, Set<(payload: string) => void>>();
  let closed = false;

  db.onNotification((channel, payload) => {
    for (const deliver of channels.get(channel) ?? []) setImmediate(deliver, payload);
  });

  const answerOf = (results: Results<Record<string, unknown>>[]): Answer => {
    const last = results.at(-1);
    return { rows: last?.rows ?? [], rowCount: Math.max(last?.affectedRows ?? 0, last?.rows.length ?? 0) };
  };

  /** One statement, or a script when there are no parameters. Only within a turn. */
  async function execute(text: string, params: readonly unknown[] | undefined): Promise<Answer> {
    if (closed) throw storeUnavailable("the store is closed");
    try {
      if (params === undefined || params.length === 0)
        return answerOf((await db.exec(text, { parsers: PARSER_BY_OID })) as Results<Record<string, unknown>>[]);
      const result = await db.query<Record<string, unknown>>(text, wireParameters(params), {
        parsers: PARSER_BY_OID,
        serializers: SERIALIZER_BY_OID,
      });
      return answerOf([result]);
    } catch (error) {
      throw queryError(error, text);
    }
  }

  /** Leaves the connection as a fresh one of a pool would be. */
  async function endTurn(): Promise<void> {
    if (!closed && db.isInTransaction()) await db.exec("ROLLBACK");
  }

  const query = async (text: string, params?: readonly unknown[]): Promise<Answer> => {
    assertOutsideTransaction();
    return turns.run(async () => {
      try {
        return await execute(text, params);
      } finally {
        await endTurn();
      }
    });
  };

  async function transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    assertOutsideTransaction();
    return turns.run(async () => {
      let ended = false;
      const tx = {
        async query(text: string, params?: readonly unknown[]) {
          if (ended) throw storeUnavailable("the transaction has ended");
          return execute(text, params);
        },
      } as Queryable;
      await execute("BEGIN", undefined);
      try {
        const result = await insideTransaction(tx, work);
        ended = true;
        await execute("COMMIT", undefined).catch((error: unknown) => {
          throw (error as { cause?: { name?: string } }).cause?.name === "TransactionAbortedError" ? transactionAborted() : error;
        });
        return result;
      } finally {
        ended = true;
        await endTurn();
      }
    });
  }

  async function listen(channel: string, onNotice: (payload: string) => void): Promise<() => Promise<void>> {
    const deliver = outsideTransaction(onNotice);
    const listeners = channels.get(channel) ?? new Set();
    channels.set(channel, listeners);
    listeners.add(deliver);
    const name = `"${channel.replaceAll('"', '""')}"`;
    if (listeners.size === 1) await query(`LISTEN ${name}`);
    return async () => {
      if (!listeners.delete(deliver) || listeners.size > 0 || closed) return;
      await query(`UNLISTEN ${name}`);
    };
  }

  /** With PGlite's own values; `db.exec` answers each statement of a script, whose rows are joined as pg-boss expects. */
  async function nativeWithinTurn(text: string, params?: readonly unknown[]) {
    if (params !== undefined && params.length > 0) {
      const result = await db.query<Record<string, unknown>>(text, [...params]);
      return { rows: result.rows, rowCount: Math.max(result.affectedRows ?? 0, result.rows.length) };
    }
    const results = (await db.exec(text)) as Results<Record<string, unknown>>[];
    return { rows: results.flatMap(({ rows }) => rows), rowCount: answerOf(results).rowCount };
  }
  const native = async (text: string, params?: readonly unknown[]) => {
    assertOutsideTransaction();
    return turns.run(async () => {
      if (closed) throw storeUnavailable("the store is closed");
      try {
        return await nativeWithinTurn(text, params);
      } finally {
        await endTurn();
      }
    });
  };

  const pool: PoolLike = {
    query: native,
    async connect() {
      assertOutsideTransaction();
      const release = await turns.acquire();
      let released = false;
      return {
        query(text, params) {
          if (released) return Promise.reject(storeUnavailable("the client was released"));
          return nativeWithinTurn(text, params);
        },
        release() {
          if (released) return;
          released = true;
          endTurn()
            .catch((error: unknown) => log.error({ err: error }, "pglite client release failed"))
            .finally(release);
        },
      };
    },
    async end() {},
  };

  return {
    name: "pglite",
    sql: { query, transaction, listen } as Engine["sql"],
    pool,
    native,
    async ping() {
      await query("SELECT 1");
    },
    async close() {
      if (closed) return;
      await turns.run(async () => {
        closed = true;
        await db.close();
      });
      await lock?.release();
    },
  };
}
