import type { Clock, Logger, Queryable } from "@tocsin/runtime";
import pg from "pg";
import type { PoolLike } from "./database.ts";
import { assertOutsideTransaction, type Engine, insideTransaction } from "./engine.ts";
import { queryError, storeUnavailable, transactionAborted } from "./errors.ts";
import { connectionConfig } from "./postgres-connection.ts";
import { createListener } from "./postgres-listener.ts";
import { parserOf, wireParameters } from "./values.ts";

export interface PostgresOptions {
  readonly url: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly maxConnections: number;
  readonly idleInTransactionMs: number;
}

// node-postgres waits for ever by default; every wait gets its limit here, in milliseconds.
const STATEMENT_MS = 30_000;
const LOCK_MS = 10_000;

const TYPES = { getTypeParser: parserOf } as unknown as pg.CustomTypesConfig;

interface Answer {
  rows: Record<string, unknown>[];
  rowCount: number;
}

export async function openPostgres({ url, log, clock, maxConnections, idleInTransactionMs }: PostgresOptions): Promise<Engine> {
  const openPool = (max: number): pg.Pool => {
    const pool = new pg.Pool({
      ...connectionConfig(url),
      max,
      // Statements of a transaction that are not waited for one by one are sent one behind the other; they run, and fail, in their order.
      pipeline: true,
      idleTimeoutMillis: 30_000,
      statement_timeout: STATEMENT_MS,
      // A little later than the server's own limit: it only ends what a dead network keeps open.
      query_timeout: STATEMENT_MS + 5_000,
      lock_timeout: LOCK_MS,
      idle_in_transaction_session_timeout: idleInTransactionMs,
    });
    // Without a listener, a connection that the server ends while it is idle, held by a library or between two statements would end the process.
    pool.on("connect", (client) => client.on("error", (error) => log.warn({ err: error }, "database connection lost")));
    // Of an idle one the pool tells a second time.
    pool.on("error", () => {});
    return pool;
  };

  const main = openPool(maxConnections);
  const listener = createListener(url, log, clock);
  let closed = false;

  async function execute(
    client: pg.Pool | pg.PoolClient,
    text: string,
    params?: readonly unknown[],
  ): Promise<Answer & { command: string }> {
    if (closed) throw storeUnavailable("the store is closed");
    try {
      const values = params === undefined || params.length === 0 ? undefined : wireParameters(params).map(asBuffer);
      const answer = (await client.query({ text, types: TYPES, ...(values === undefined ? {} : { values }) })) as
        | pg.QueryResult
        | pg.QueryResult[];
      const last = Array.isArray(answer) ? (answer.at(-1) as pg.QueryResult) : answer;
      return { rows: last.rows, rowCount: last.rowCount ?? 0, command: last.command };
    } catch (error) {
      throw queryError(error, text);
    }
  }

  const connect = (pool: pg.Pool): Promise<pg.PoolClient> =>
    pool.connect().catch((error: unknown) => {
      throw queryError(error, "connect");
    });

  const query = async (text: string, params?: readonly unknown[]): Promise<Answer> => {
    assertOutsideTransaction();
    const { rows, rowCount } = await execute(main, text, params);
    return { rows, rowCount };
  };

  async function transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    assertOutsideTransaction();
    const client = await connect(main);
    let ended = false;
    let broken: Error | boolean = false;
    const tx = {
      async query(text: string, params?: readonly unknown[]) {
        if (ended) throw storeUnavailable("the transaction has ended");
        const { rows, rowCount } = await execute(client, text, params);
        return { rows, rowCount };
      },
    } as Queryable;
    try {
      await execute(client, "BEGIN");
      const result = await insideTransaction(tx, work);
      ended = true;
      // PostgreSQL answers the COMMIT of a failed transaction with ROLLBACK, and calls that a success.
      if ((await execute(client, "COMMIT")).command !== "COMMIT") throw transactionAborted();
      return result;
    } catch (error) {
      ended = true;
      await execute(client, "ROLLBACK").catch(() => {
        broken = true;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }

  // Libraries have a pool of their own, made on first use: they may hold connections for long.
  let librariesPool: pg.Pool | undefined;
  const libraries = () => {
    if (closed) throw storeUnavailable("the store is closed");
    librariesPool ??= openPool(Math.max(2, Math.ceil(maxConnections / 2)));
    return librariesPool;
  };
  const pool: PoolLike = {
    query: async (text, params) => libraries().query(text, params),
    connect: async () => (await connect(libraries())) as unknown as Awaited<ReturnType<PoolLike["connect"]>>,
    async end() {},
  };

  const engine: Engine = {
    name: "postgres",
    sql: {
      query,
      transaction,
      listen: (channel: string, onNotice: (payload: string) => void) => listener.listen(channel, onNotice),
    } as Engine["sql"],
    pool,
    async native(text, params) {
      assertOutsideTransaction();
      return main.query(text, params === undefined ? undefined : [...params]);
    },
    async exclusively(key, work) {
      const client = await connect(main);
      try {
        await execute(client, "SELECT pg_advisory_lock($1)", [key]);
        return await work();
      } finally {
        // Ending the session gives the lock back, whatever state it is in.
        client.release(true);
      }
    },
    async ping() {
      await query("SELECT 1");
    },
    async close() {
      if (closed) return;
      closed = true;
      await listener.close();
      await Promise.all([main.end(), librariesPool?.end()]);
    },
  };
  try {
    await engine.ping();
  } catch (error) {
    await engine.close();
    throw error;
  }
  return engine;
}

const asBuffer = (value: string | Uint8Array | null) =>
  value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
