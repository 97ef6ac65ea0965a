import { type Clock, createWakeup, type Logger, type Sql, systemClock } from "@tocsin/runtime";
import { takeLease } from "./lease.ts";

/** How long rows are kept, in days. */
export interface Retention {
  /** Published events. Default 30. */
  readonly eventLogDays?: number;
  /** Ids of handled events: longer than any bus may deliver an event again. Default 14. */
  readonly handledEventsDays?: number;
  /** What models were asked, what they said and what that cost: longer than any budget's window. Default 90. */
  readonly llmCallsDays?: number;
}

const ROWS_AT_A_TIME = 5_000;
const HOUR_MS = 3_600_000;

/** Deletes in portions, so that no statement holds the (on PGlite only) connection for long. */
async function deleteOld(sql: Sql, table: string, key: string, where: string, days: number): Promise<number> {
  let deleted = 0;
  for (;;) {
    const { rowCount } = await sql.query(
      `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${where} < now() - $1 * interval '1 day' LIMIT ${ROWS_AT_A_TIME})`,
      [days],
    );
    deleted += rowCount;
    if (rowCount < ROWS_AT_A_TIME) return deleted;
  }
}

/** Removes what has been kept long enough. Events that the bus does not have yet stay, however old. */
export async function prune(sql: Sql, retention: Retention = {}): Promise<{ eventLog: number; handledEvents: number; llmCalls: number }> {
  const { eventLogDays = 30, handledEventsDays = 14, llmCallsDays = 90 } = retention;
  return {
    eventLog: await deleteOld(sql, "event_log", "seq", "published_at", eventLogDays),
    handledEvents: await deleteOld(sql, "handled_events", "consumer, event_id", "handled_at", handledEventsDays),
    llmCalls: await deleteOld(sql, "llm_calls", "call_id, attempt", "begun_at", llmCallsDays),
  };
}

export interface UpkeepOptions {
  readonly sql: Sql;
  readonly engine: "pglite" | "postgres";
  readonly log: Logger;
  readonly clock?: Clock;
  readonly retention?: Retention;
}

/**
 * Prunes once an hour, in one process of all. PGlite has none of PostgreSQL's background processes: there, a checkpoint keeps the
 * write-ahead log (and with it the time to open after a crash) small, and a vacuum gives the space of dead rows back.
 *
 * @returns ends it
 */
export function startUpkeep({ sql, engine, log, clock = systemClock, retention = {} }: UpkeepOptions): () => Promise<void> {
  const wakeup = createWakeup(clock);
  let stopping = false;
  const holder = `upkeep-${process.pid}-${performance.timeOrigin}`;

  async function once(): Promise<void> {
    const startedAt = performance.now();
    if (!(await takeLease(sql, "upkeep", holder, HOUR_MS / 1_000))) return;
    const pruned = await prune(sql, retention);
    if (engine === "pglite") await sql.query("VACUUM ANALYZE");
    log.debug({ ...pruned, ms: Math.round(performance.now() - startedAt) }, "store pruned");
  }

  async function loop(): Promise<void> {
    // Not while everything else starts.
    await wakeup.sleep(60_000);
    let pruneAt = clock.now();
    while (!stopping) {
      try {
        if (clock.now() >= pruneAt) {
          pruneAt = clock.now() + HOUR_MS;
          await once();
        }
        if (engine === "pglite") await sql.query("CHECKPOINT");
      } catch (error) {
        log.warn({ err: error }, "store upkeep failed");
      }
      if (!stopping) await wakeup.sleep(5 * 60_000);
    }
  }

  const running = loop();
  return async () => {
    stopping = true;
    wakeup.wake();
    await running;
  };
}
