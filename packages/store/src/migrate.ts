import { readdir, readFile } from "node:fs/promises";
import { AppError, digestOf, messageOf, type Sql } from "@tocsin/runtime";
import { migrationFailed } from "./errors.ts";

/** Taken by whoever migrates, so that processes starting together do it once. */
const MIGRATION_LOCK = 7_400;
const FOLDER = new URL("../migrations/", import.meta.url);

interface Migration {
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
}

/** The `*.sql` files of a folder in order of name. */
export async function readMigrations(folder: URL = FOLDER): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, folder), "utf8");
      return { name, text, checksum: digestOf(text) };
    }),
  );
}

/**
 * Brings the schema to what this code expects: each file once, in order, in a transaction of its own together with its row in
 * `schema_migrations`.
 *
 * @returns the names of the files applied now
 * @throws AppError `STORE_MIGRATION_FAILED` when a file fails, when one that was applied has changed since, or when the
 *   database has one that this code does not know (it is newer)
 */
export async function migrate(sql: Sql, migrations?: readonly Migration[]): Promise<string[]> {
  const files = migrations ?? (await readMigrations());
  const applied: string[] = [];
  for (const file of files) {
    try {
      // A transaction each, and the check again in each: another process may have been faster between two of them.
      const ran = await sql.transaction(async (tx) => {
        await tx.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
        await tx.query(
          "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
        );
        const { rows } = await tx.query<{ name: string; checksum: string }>("SELECT name, checksum FROM schema_migrations ORDER BY name");
        assertSameHistory(rows, files);
        if (rows.some(({ name }) => name === file.name)) return false;
        await tx.query(file.text);
        await tx.query("INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", [file.name, file.checksum]);
        return true;
      });
      if (ran) applied.push(file.name);
    } catch (error) {
      if (AppError.is(error, "STORE_MIGRATION_FAILED", "STORE_UNAVAILABLE")) throw error;
      throw migrationFailed(`migration ${file.name} failed: ${messageOf(error)}`, { migration: file.name }, error);
    }
  }
  return applied;
}

function assertSameHistory(rows: readonly { name: string; checksum: string }[], files: readonly Migration[]): void {
  const known = new Map(files.map((file) => [file.name, file]));
  for (const { name, checksum } of rows) {
    const file = known.get(name);
    if (!file) throw migrationFailed(`the database is newer than this program: it has migration ${name}`, { migration: name });
    if (file.checksum !== checksum) throw migrationFailed(`migration ${name} was changed after it had been applied`, { migration: name });
  }
}
