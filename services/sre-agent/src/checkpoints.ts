import type { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { type Logger, messageOf } from "@tocsin/runtime";
import type { Store } from "@tocsin/store";

const SCHEMA = "langgraph";
/** So that processes starting together create the tables once; the library takes no lock. */
const SETUP_LOCK = 7_450;

/**
 * Opens the graph's checkpoints on the store's own database, in a schema of their own. LangGraph is loaded here, for it takes half a second.
 *
 * @returns undefined when that fails: investigations then run without checkpoints, which costs a repeated query after a crash, no effect
 */
export async function openCheckpoints(store: Pick<Store, "pool" | "sql" | "engine">, log: Logger): Promise<PostgresSaver | undefined> {
  try {
    const [library] = await Promise.all([import("@langchain/langgraph-checkpoint-postgres"), import("@langchain/langgraph")]);
    // The library asks for a `pg.Pool` and uses `query`, `connect` and `release` of it, which is what the store's pool gives.
    const pool = store.pool as unknown as ConstructorParameters<typeof PostgresSaver>[0];
    const saver = new library.PostgresSaver(pool, undefined, { schema: SCHEMA });
    // PGlite has one connection and one process: a lock held here would keep `setup` waiting for ever.
    if (store.engine === "pglite") await saver.setup();
    else
      await store.sql.transaction(async (tx) => {
        await tx.query("SELECT pg_advisory_xact_lock($1)", [SETUP_LOCK]);
        await saver.setup();
      });
    return saver;
  } catch (error) {
    log.error({ err: error, reason: messageOf(error) }, "no checkpoints, investigations run without them");
    return undefined;
  }
}
