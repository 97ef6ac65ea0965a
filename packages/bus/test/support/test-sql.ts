import { readFile } from "node:fs/promises";
import { PGlite } from "@electric-sql/pglite";
import type { Queryable, Sql } from "@tocsin/runtime";
import pg from "pg";

export interface TestSql extends Sql {
  exec(script: string): Promise<void>;
  close(): Promise<void>;
}

const migration = await readFile(new URL("../../../store/migrations/0001-foundation.sql", import.meta.url), "utf8");
/** The tables of the bus alone, as the foundation migration makes them. */
export const BUS_TABLES = [...migration.matchAll(/^CREATE (?:TABLE|INDEX) bus_[\s\S]*?;$/gm)].map(([text]) => text).join("\n");

const number = (text: string) => Number(text);

export async function pgliteSql(): Promise<TestSql> {
  const db = await PGlite.create("memory://", { parsers: { 20: number, 1700: number } });
  const over = (queryable: Pick<PGlite, "query">): Queryable => ({
    async query<Row extends object>(text: string, params: readonly unknown[] = []) {
      const { rows, affectedRows = 0 } = await queryable.query<Row>(text, [...params]);
      return { rows, rowCount: Math.max(affectedRows, rows.length) };
    },
  });
  return {
    ...over(db),
    transaction: (work) => db.transaction((tx) => work(over(tx as unknown as PGlite))),
    listen: (channel, onNotice) => db.listen(channel, (payload) => setImmediate(onNotice, payload)),
    exec: async (script) => void (await db.exec(script)),
    close: () => db.close(),
  };
}

pg.types.setTypeParser(20, number);
pg.types.setTypeParser(1700, number);

/** A real server. A lost listening connection is made anew, as the port promises. */
export function postgresSql(connectionString: string): TestSql {
  const pool = new pg.Pool({ connectionString, max: 5 });
  pool.on("error", () => undefined);
  // While one is lent out the pool does not listen: the server may go away between two statements of a transaction.
  pool.on("connect", (client) => client.on("error", () => undefined));
  const over = (queryable: Pick<pg.Pool, "query">): Queryable => ({
    async query<Row extends object>(text: string, params: readonly unknown[] = []) {
      const { rows, rowCount } = await queryable.query(text, [...params]);
      return { rows: rows as Row[], rowCount: rowCount ?? 0 };
    },
  });
  return {
    ...over(pool),
    async transaction(work) {
      const client = await pool.connect();
      try {
        await client.query("BEGIN");
        const result = await work(over(client as unknown as pg.Pool));
        await client.query("COMMIT");
        return result;
      } catch (error) {
        await client.query("ROLLBACK").catch(() => undefined);
        throw error;
      } finally {
        client.release();
      }
    },
    async listen(channel, onNotice) {
      let client: pg.Client | undefined;
      let ended = false;
      let again: NodeJS.Timeout | undefined;
      async function connect(): Promise<void> {
        const fresh = new pg.Client({ connectionString });
        fresh.on("notification", ({ payload = "" }) => onNotice(payload));
        fresh.on("error", () => undefined);
        fresh.on("end", () => {
          if (!ended && client === fresh) retry();
        });
        await fresh.connect();
        await fresh.query(`LISTEN ${channel}`);
        client = fresh;
      }
      function retry(): void {
        again = setTimeout(() => {
          connect().then(() => onNotice(""), retry);
        }, 100);
      }
      await connect();
      return async () => {
        ended = true;
        clearTimeout(again);
        await client?.end();
      };
    },
    exec: async (script) => void (await pool.query(script)),
    close: () => pool.end(),
  };
}
