import type { OutgoingEvent } from "@tocsin/contracts";
import type { Queryable } from "@tocsin/runtime";

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
    `INSERT INTO event_log (id, topic, key, type, source, at, traceparent, incident_id, data)
     SELECT e->>'id', e->>'topic', e->>'key', e->>'type', e->>'source', (e->>'time')::timestamptz, e->>'traceparent',
            e->'data'->>'incidentId', e->'data'
     FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS list(e, position) ORDER BY position
     ON CONFLICT (id) DO NOTHING`,
    [JSON.stringify(events)],
  );
  await tx.query("SELECT pg_notify($1, '')", [EVENT_LOG_CHANNEL]);
}
