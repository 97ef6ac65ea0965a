// Terms. PGlite is PostgreSQL compiled to WebAssembly, with one connection. A *turn* is the sole use of that connection: one
// statement, one transaction, or one client of the pool until it is released.
import type { PGlite, Results } from "@electric-sql/pglite";
import type { Logger, Queryable } from "@tocsin/runtime";
import type { PoolLike } from "./database.ts";
import { assertOutsideTransaction, type Engine, insideTransaction, outsideTransaction } from "./engine.ts";
import { queryError, storeFolderUnusable, storeUnavailable, transactionAborted } from "./errors.ts";
import { createExclusive } from "./exclusive.ts";
import { lockFolder } from "./folder-lock.ts";
import { openDatabase } from "./pglite-open.ts";
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

interface Turn {
  /** @throws AppError `STORE_UNAVAILABLE` when the turn is over */
  run<A>(statement: () => Promise<A>): Promise<A>;
  /** Rolls back what is open and lets the next one through. */
  end(): Promise<void>;
}

/** `embedded:memory` has no folder; its content ends with the process. */
export async function openPglite(folder: string | undefined, log: Logger, idleInTransactionMs: number): Promise<Engine> {
  const lock = folder === undefined ? undefined : await lockFolder(folder);
  let db: PGlite;
  try {
    db = await openDatabase(folder === undefined ? undefined : `${folder}/pgdata`);
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

  /** One statement, or a script when there are no parameters. */
  async function execute(text: string, params?: readonly unknown[]): Promise<Answer> {
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

  /** The same with PGlite's own values, for libraries. The rows of a script's statements are joined, as pg-boss expects. */
  async function executeNative(text: string, params?: readonly unknown[]): Promise<Answer> {
    if (params !== undefined && params.length > 0) return answerOf([await db.query<Record<string, unknown>>(text, [...params])]);
    const results = (await db.exec(text)) as Results<Record<string, unknown>>[];
    return { ...answerOf(results), rows: results.flatMap(({ rows }) => rows) };
  }

  /** Waits for the connection. As a server would, it takes it back from one that forgets it in the middle of a transaction. */
  async function beginTurn(): Promise<Turn> {
    const release = await turns.acquire();
    let over: string | undefined;
    let ending: Promise<void> | undefined;
    let running = 0;
    let timer: NodeJS.Timeout | undefined;

    function end(reason: string): Promise<void> {
      over ??= reason;
      clearTimeout(timer);
      ending ??= (async () => {
        try {
          if (!closed && db.isInTransaction()) await db.exec("ROLLBACK");
        } finally {
          release();
        }
      })();
      return ending;
    }
    function watch(): void {
      timer = setTimeout(() => {
        log.error({ idleInTransactionMs }, "transaction idle for too long");
        end(`was rolled back after ${idleInTransactionMs} ms without a statement`).catch(() => {});
      }, idleInTransactionMs);
      timer.unref();
    }

    watch();
    return {
      async run(statement) {
        if (closed) throw storeUnavailable("the store is closed");
        if (over !== undefined) throw storeUnavailable(`the transaction ${over}`);
        clearTimeout(timer);
        running++;
        try {
          return await statement();
        } finally {
          running--;
          if (running === 0 && over === undefined) watch();
        }
      },
      end: () => end("has ended"),
    };
  }

  async function once(statement: () => Promise<Answer>): Promise<Answer> {
    assertOutsideTransaction();
    const turn = await beginTurn();
    try {
      return await turn.run(statement);
    } finally {
      await turn.end();
    }
  }
  const query = (text: string, params?: readonly unknown[]) => once(() => execute(text, params));
  const native = (text: string, params?: readonly unknown[]) => once(() => executeNative(text, params));

  async function transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    assertOutsideTransaction();
    const turn = await beginTurn();
    let ended = false;
    let failed = false;
    const tx = {
      async query(text: string, params?: readonly unknown[]) {
        if (ended) throw storeUnavailable("the transaction has ended");
        try {
          const answer = await turn.run(() => execute(text, params));
          if (/^\s*rollback\s+to\b/i.test(text)) failed = false;
          return answer;
        } catch (error) {
          failed = true;
          throw error;
        }
      },
    } as Queryable;
    try {
      await turn.run(() => execute("BEGIN"));
      const result = await insideTransaction(tx, work);
      ended = true;
      // The COMMIT of a failed transaction is a ROLLBACK that calls itself a success.
      if (failed) throw transactionAborted();
      await turn.run(() => execute("COMMIT"));
      return result;
    } finally {
      ended = true;
      await turn.end();
    }
  }

  async function listen(channel: string, onNotice: (payload: string) => void): Promise<() => Promise<void>> {
    assertOutsideTransaction();
    const deliver = outsideTransaction(onNotice);
    const listeners = channels.get(channel) ?? new Set();
    channels.set(channel, listeners);
    listeners.add(deliver);
    const name = `"${channel.replaceAll('"', '""')}"`;
    // Also for a second listener: the first one's LISTEN may be waiting yet.
    await query(`LISTEN ${name}`);
    return async () => {
      if (!listeners.delete(deliver) || listeners.size > 0 || closed) return;
      await query(`UNLISTEN ${name}`);
      // One that came while this waited for its turn.
      if (listeners.size > 0) await query(`LISTEN ${name}`);
    };
  }

  const pool: PoolLike = {
    query: native,
    async connect() {
      assertOutsideTransaction();
      const turn = await beginTurn();
      return {
        query: (text, params) => turn.run(() => executeNative(text, params)),
        release() {
          turn.end().catch((error: unknown) => log.error({ err: error }, "client release failed"));
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
    // The folder's lock has seen to it.
    exclusively: (_key, work) => work(),
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
