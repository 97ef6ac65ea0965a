import { type Logger, messageOf, type Sql } from "@tocsin/runtime";

/** Taken by whoever creates the extension: two at once would collide in the catalogue. */
const EXTENSION_LOCK = 7_401;

/**
 * Lets pgvector compare embeddings where the server has it: creates the extension, and an index on the memory of incidents. Without it (a
 * server that lacks the package, a role that may not create it) the same comparison runs in plain SQL, exact and slower.
 *
 * @param dimensions of every embedding; the index is bound to it
 */
export async function prepareVectors(sql: Sql, dimensions: number, log: Logger): Promise<"pgvector" | "exact"> {
  const { rows: known } = await sql.query<{ isAvailable: boolean; isReady: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') AS "isAvailable",
            to_regclass('incident_memory_nearest') IS NOT NULL AS "isReady"`,
  );
  if (known[0]?.isAvailable && !known[0].isReady) {
    try {
      await sql.transaction(async (tx) => {
        await tx.query("SELECT pg_advisory_xact_lock($1)", [EXTENSION_LOCK]);
        await tx.query("CREATE EXTENSION IF NOT EXISTS vector");
        await tx.query(
          `CREATE INDEX IF NOT EXISTS incident_memory_nearest ON incident_memory
             USING hnsw ((embedding::vector(${dimensions})) vector_cosine_ops)`,
        );
      });
    } catch (error) {
      log.info({ reason: messageOf(error) }, "pgvector not usable, comparing incidents in plain sql");
    }
  }
  const { rows } = await sql.query<{ there: boolean }>(`SELECT ${HAS_VECTOR} AS there`);
  return rows[0]?.there ? "pgvector" : "exact";
}

/** True in SQL where `<=>` compares vectors. */
export const HAS_VECTOR = "to_regtype('vector') IS NOT NULL";
