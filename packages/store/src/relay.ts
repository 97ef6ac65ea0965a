import type { OutgoingEvent } from "@tocsin/contracts";
import { backoffMs, type Clock, createWakeup, type Logger, messageOf, newId, type Sql, systemClock } from "@tocsin/runtime";
import { EVENT_LOG_CHANNEL, EVENT_LOG_COLUMNS, type EventLogRow, loggedEventOf } from "./event-log.ts";
import { dropLease, takeLease } from "./lease.ts";

export interface RelayOptions {
  readonly sql: Sql;
  /** Resolves when the events are durable on the bus; `bus.publish`. */
  readonly publish: (events: readonly OutgoingEvent[]) => Promise<void>;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Most events published at a time. Default 500. */
  readonly batch?: number;
  /** After a killed relay, another takes over after this many seconds at the latest. Default 5. */
  readonly leaseSeconds?: number;
}

export interface Relay {
  /** Waits for the batch under way and lets another relay go on at once. */
  stop(): Promise<void>;
}

const LEASE = "relay";

/**
 * Publishes the event log in order of `seq`: at least once, one relay at a time over all processes. Woken by each append.
 *
 * While the bus is away it tries again with back-off (at most 10 s). An event that the bus refuses for good is set aside with the
 * reason in `publish_error`, logged as an error, and the rest goes on.
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { sql, log, clock = systemClock, batch = 500, leaseSeconds = 5 } = options;
  const holder = newId("relay");
  const wakeup = createWakeup(clock);
  const unlisten = await sql.listen(EVENT_LOG_CHANNEL, () => wakeup.wake());
  let stopping = false;

  /** @returns how many it took off the log */
  async function relayBatch(): Promise<number> {
    const { rows } = await sql.query<EventLogRow>(
      `SELECT ${EVENT_LOG_COLUMNS} FROM event_log WHERE published_at IS NULL ORDER BY seq LIMIT $1`,
      [batch],
    );
    if (rows.length === 0) return 0;
    try {
      await options.publish(rows.map((row) => loggedEventOf(row).event));
      await markPublished(rows);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await relayOneByOne(rows);
    }
    return rows.length;
  }

  async function relayOneByOne(rows: readonly EventLogRow[]): Promise<void> {
    for (const row of rows) {
      try {
        await options.publish([loggedEventOf(row).event]);
        await markPublished([row]);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        log.error({ err: error, seq: row.seq, eventId: row.id, type: row.type }, "event refused by the bus");
        await sql.query("UPDATE event_log SET published_at = now(), publish_error = $2 WHERE seq = $1", [row.seq, messageOf(error)]);
      }
    }
  }

  async function markPublished(rows: readonly EventLogRow[]): Promise<void> {
    await sql.query("UPDATE event_log SET published_at = now() WHERE seq = ANY($1::bigint[])", [rows.map(({ seq }) => seq)]);
  }

  async function loop(): Promise<void> {
    let failures = 0;
    while (!stopping) {
      try {
        if (!(await takeLease(sql, LEASE, holder, leaseSeconds))) {
          await wakeup.sleep((leaseSeconds * 1_000) / 2);
          continue;
        }
        const relayed = await relayBatch();
        failures = 0;
        if (relayed < batch && !stopping) await wakeup.sleep((leaseSeconds * 1_000) / 2);
      } catch (error) {
        failures++;
        const delayMs = backoffMs(failures, 200, 10_000);
        log.warn({ err: error, attempt: failures, delayMs }, "relay retry");
        if (!stopping) await clock.sleep(delayMs, stopped.signal).catch(() => {});
      }
    }
  }

  const stopped = new AbortController();
  const running = loop();
  return {
    async stop() {
      if (stopping) return running;
      stopping = true;
      stopped.abort();
      wakeup.wake();
      await running;
      await unlisten();
      await dropLease(sql, LEASE, holder).catch((error: unknown) => log.warn({ err: error }, "relay lease not given back"));
    },
  };
}

/** Will the bus never take it? Only an error that says so itself; anything else may pass. */
const isRefusal = (error: unknown): boolean => {
  const code = (error as { code?: unknown } | null)?.code;
  return code === "BUS_PAYLOAD_INVALID" || code === "BUS_PAYLOAD_TOO_LARGE";
};
