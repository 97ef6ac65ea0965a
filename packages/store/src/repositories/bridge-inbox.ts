// Events that the bus did not take when they were acknowledged. They leave in the order in which they came.
import type { OutgoingEvent } from "@tocsin/contracts";
import type { Queryable } from "@tocsin/runtime";
import { jsonText } from "../values.ts";

export interface InboxEvent {
  readonly seq: number;
  readonly event: OutgoingEvent;
}

/** Keeps the events, in their order. One statement: all of them or none. */
export async function appendToInbox(on: Queryable, events: readonly OutgoingEvent[]): Promise<void> {
  if (events.length === 0) return;
  await on.query(
    `INSERT INTO bridge_inbox (event)
     SELECT e FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS list(e, position) ORDER BY position`,
    [jsonText(events)],
  );
}

/** The oldest events that wait. */
export async function readInbox(on: Queryable, limit: number): Promise<readonly InboxEvent[]> {
  const { rows } = await on.query<InboxEvent>("SELECT seq, event FROM bridge_inbox ORDER BY seq LIMIT $1", [limit]);
  return rows;
}

/** Forgets events that are on the bus now. Named one by one: a row with a lower number may still be uncommitted elsewhere. */
export async function removeFromInbox(on: Queryable, seqs: readonly number[]): Promise<void> {
  await on.query("DELETE FROM bridge_inbox WHERE seq = ANY($1::bigint[])", [seqs]);
}

export async function inboxDepth(on: Queryable): Promise<number> {
  const { rows } = await on.query<{ depth: number }>("SELECT count(*) AS depth FROM bridge_inbox");
  return rows[0]?.depth ?? 0;
}
