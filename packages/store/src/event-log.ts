// Terms. The *event log* is outbox and live stream in one: rows written in the transaction of the change they tell of. `seq` is their
// order of commit and the durable id of the live stream. The *relay* (relay.ts) publishes them to the bus.
import type { OutgoingEvent, Topic } from "@tocsin/contracts";
import type { Queryable } from "@tocsin/runtime";
import { jsonText } from "./values.ts";

/** Any transaction may use one: the lock keeps `seq` in order of commit, so a reader by `seq` never skips a row. */
const EVENT_LOG_LOCK = 7_401;
/** Noticed on by the relay and by live streams after each commit that appended. */
export const EVENT_LOG_CHANNEL = "tocsin_event_log";

/**
 * Appends events in the caller's transaction: the outbox and the live stream in one. An event whose id is there already
 * is ignored, so an effect repeated after a crash tells nothing twice.
 *
 * Call it last in a transaction: from here to the commit, no other transaction can append.
 */
export async function appendEvents(tx: Queryable, events: readonly OutgoingEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx.query("SELECT pg_advisory_xact_lock($1)", [EVENT_LOG_LOCK]);
  await tx.query(
    `WITH appended AS (
       INSERT INTO event_log (id, topic, key, type, source, at, traceparent, incident_id, data)
       SELECT e->>'id', e->>'topic', e->>'key', e->>'type', e->>'source', (e->>'time')::timestamptz, e->>'traceparent',
              e->'data'->>'incidentId', e->'data'
       FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS list(e, position) ORDER BY position
       ON CONFLICT (id) DO NOTHING RETURNING seq
     )
     SELECT pg_notify($2, '') FROM appended LIMIT 1`,
    [jsonText(events), EVENT_LOG_CHANNEL],
  );
}

/** An event with its place in the log. */
export interface LoggedEvent {
  readonly seq: number;
  readonly event: OutgoingEvent;
  readonly incidentId?: string;
}

export interface EventLogRow {
  readonly seq: number;
  readonly id: string;
  readonly topic: Topic;
  readonly key: string;
  readonly type: string;
  readonly source: string;
  readonly at: string;
  readonly traceparent: string | null;
  readonly incident_id: string | null;
  readonly data: unknown;
}

export const EVENT_LOG_COLUMNS = "seq, id, topic, key, type, source, at, traceparent, incident_id, data";

export function loggedEventOf(row: EventLogRow): LoggedEvent {
  const { seq, id, topic, key, type, source, at: time, traceparent, incident_id: incidentId, data } = row;
  const event: OutgoingEvent = { id, topic, key, type, source, time, ...(traceparent === null ? {} : { traceparent }), data };
  return { seq, event, ...(incidentId === null ? {} : { incidentId }) };
}

export interface EventLogQuery {
  /** Only what comes after this place; 0 for the beginning. */
  readonly afterSeq: number;
  readonly incidentId?: string;
  readonly topics?: readonly Topic[];
  /** Most events to return, 1 to 1,000. */
  readonly limit: number;
}

/** A page of the log in order of `seq`, whether or not the bus has it yet. A reader that goes on from the last `seq` misses nothing. */
export async function readEventLog(sql: Queryable, query: EventLogQuery): Promise<LoggedEvent[]> {
  const { rows } = await sql.query<EventLogRow>(
    `SELECT ${EVENT_LOG_COLUMNS} FROM event_log
     WHERE seq > $1 AND ($2::text IS NULL OR incident_id = $2) AND ($3::text[] IS NULL OR topic = ANY($3))
     ORDER BY seq LIMIT $4`,
    [query.afterSeq, query.incidentId, query.topics, Math.max(1, Math.min(query.limit, 1_000))],
  );
  return rows.map(loggedEventOf);
}

/** The place of the newest event, 0 when there is none: where a stream starts that shows only what comes. */
export async function lastEventSeq(sql: Queryable): Promise<number> {
  const { rows } = await sql.query<{ seq: number | null }>("SELECT max(seq) AS seq FROM event_log");
  return rows[0]?.seq ?? 0;
}

/** How much of the log the bus does not have yet, and since when, in seconds; an index holds exactly these rows. */
export async function outboxBacklog(sql: Queryable): Promise<{ readonly events: number; readonly lagSeconds: number }> {
  const { rows } = await sql.query<{ events: number; lag: number | null }>(
    `SELECT count(*)::int AS events, extract(epoch FROM now() - min(at))::float8 AS lag FROM event_log WHERE published_at IS NULL`,
  );
  return { events: rows[0]?.events ?? 0, lagSeconds: Math.max(0, rows[0]?.lag ?? 0) };
}
