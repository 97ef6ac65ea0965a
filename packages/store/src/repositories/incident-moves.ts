// Moving an incident along its lifecycle. Which moves there are is decided in `@tocsin/incident`; here a move is one statement
// that only succeeds from the states it is allowed from, with the event that tells of it in the same transaction.
import { eventOf, IncidentMoved, type IncidentState } from "@tocsin/contracts";
import { isoTime, type Queryable } from "@tocsin/runtime";
import { appendEvents } from "../event-log.ts";

export interface IncidentMove {
  readonly incidentId: string;
  readonly to: IncidentState;
  /** The states it may come from: `statesBefore(to)` of `@tocsin/incident`, or fewer. */
  readonly from: readonly IncidentState[];
  /** Why, in one sentence for the timeline. */
  readonly text: string;
  /** What happened, in a word, e.g. `escalated`, `mitigating`. Default: the state it moves to. */
  readonly kind?: string;
  /** Who moves it, e.g. `/tocsin/sre-agent`. */
  readonly source: string;
  /** Names this move: the same effect repeated has the same id. Default: the incident, its new state and its revision. */
  readonly eventId?: string;
  readonly nowMs: number;
}

/**
 * Moves an incident, unless it is in none of the states it may come from. Sets the times that belong to the new state. Call it
 * last in a transaction, since it appends to the event log.
 *
 * @returns the state it came from, or undefined when it did not move
 */
export async function moveIncident(tx: Queryable, move: IncidentMove): Promise<IncidentState | undefined> {
  const at = isoTime(move.nowMs);
  const { rows } = await tx.query<{ from: IncidentState; revision: number }>(
    `UPDATE incidents i
        SET state = $2::text, updated_at = $3::timestamptz, revision = i.revision + 1,
            resolved_at = CASE WHEN $2::text = 'resolved' THEN $3::timestamptz WHEN $2::text = 'closed' THEN i.resolved_at END,
            closed_at = CASE WHEN $2::text = 'closed' THEN $3::timestamptz END,
            escalation = CASE WHEN $2::text = 'escalated' THEN $5::text ELSE i.escalation END
       FROM (SELECT id, state FROM incidents WHERE id = $1 FOR UPDATE) AS before
      WHERE i.id = before.id AND before.state = ANY ($4::text[])
      RETURNING before.state AS "from", i.revision`,
    [move.incidentId, move.to, at, move.from, move.text],
  );
  const moved = rows[0];
  if (moved === undefined) return undefined;
  const id = move.eventId ?? `${move.incidentId}:${move.to}:${moved.revision}`;
  await appendEvents(tx, [
    eventOf(
      IncidentMoved,
      { id, source: move.source, time: at },
      { incidentId: move.incidentId, at, kind: move.kind ?? move.to, text: move.text, state: move.to, from: moved.from },
    ),
  ]);
  return moved.from;
}
