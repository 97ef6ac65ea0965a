// The GitLab issue of an incident, and what of the incident GitLab has already been told.
import type { Queryable } from "@tocsin/runtime";
import { jsonText } from "../values.ts";

export interface TicketRow {
  readonly incidentId: string;
  readonly project: string;
  /** Absent until the issue is made. */
  readonly iid: number | undefined;
  readonly issueId: number | undefined;
  readonly webUrl: string | undefined;
  /** What GitLab last got, by part; its shape is the synchroniser's. */
  readonly synced: unknown;
  readonly lastError: string | undefined;
}

/** What decides whether an incident gets a ticket, besides its view. */
export interface TicketNeed {
  /** The newest event of the incident: what is read after this is at least as new. */
  readonly seq: number;
  readonly mergedInto: string | undefined;
  readonly closedAt: string | undefined;
}

interface Row {
  incidentId: string;
  project: string;
  iid: number | null;
  issueId: number | null;
  webUrl: string | null;
  synced: unknown;
  lastError: string | null;
}

const COLUMNS = `incident_id AS "incidentId", project, iid, issue_id AS "issueId", web_url AS "webUrl", synced, last_error AS "lastError"`;

const ticketOf = (row: Row): TicketRow => ({
  ...row,
  iid: row.iid ?? undefined,
  issueId: row.issueId ?? undefined,
  webUrl: row.webUrl ?? undefined,
  lastError: row.lastError ?? undefined,
});

export async function findTicket(on: Queryable, incidentId: string): Promise<TicketRow | undefined> {
  const { rows } = await on.query<Row>(`SELECT ${COLUMNS} FROM tickets WHERE incident_id = $1`, [incidentId]);
  return rows[0] && ticketOf(rows[0]);
}

/** @returns those of the incidents that have an issue already */
export async function withIssue(on: Queryable, incidentIds: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await on.query<{ id: string }>(
    "SELECT incident_id AS id FROM tickets WHERE incident_id = ANY($1::text[]) AND iid IS NOT NULL",
    [incidentIds],
  );
  return new Set(rows.map(({ id }) => id));
}

/** The incident's ticket row; makes it when there is none, before anything is asked of GitLab. */
export async function openTicket(on: Queryable, incidentId: string, project: string): Promise<TicketRow> {
  await on.query("INSERT INTO tickets (incident_id, project) VALUES ($1, $2) ON CONFLICT (incident_id) DO NOTHING", [incidentId, project]);
  return (await findTicket(on, incidentId)) as TicketRow;
}

/** @returns undefined when there is no such incident */
export async function ticketNeed(on: Queryable, incidentId: string): Promise<TicketNeed | undefined> {
  const { rows } = await on.query<{ seq: number | null; mergedInto: string | null; closedAt: string | null }>(
    `SELECT (SELECT max(seq) FROM event_log WHERE incident_id = i.id) AS seq, i.merged_into AS "mergedInto", i.closed_at AS "closedAt"
     FROM incidents i WHERE i.id = $1`,
    [incidentId],
  );
  const row = rows[0];
  return row && { seq: row.seq ?? 0, mergedInto: row.mergedInto ?? undefined, closedAt: row.closedAt ?? undefined };
}

/** Where the issue is; null forgets it, with everything it was told. */
export async function saveTicketRef(
  on: Queryable,
  incidentId: string,
  ref: { readonly iid: number; readonly issueId: number; readonly webUrl: string } | null,
): Promise<void> {
  await on.query(
    `UPDATE tickets SET iid = $2, issue_id = $3, web_url = $4, synced = CASE WHEN $2::integer IS NULL THEN '{}'::jsonb ELSE synced END
     WHERE incident_id = $1`,
    [incidentId, ref?.iid, ref?.issueId, ref?.webUrl],
  );
}

/** Writes down what GitLab has now. */
export async function saveTicketSynced(on: Queryable, incidentId: string, synced: unknown): Promise<void> {
  await on.query("UPDATE tickets SET synced = $2::jsonb, synced_at = now() WHERE incident_id = $1", [incidentId, jsonText(synced)]);
}

/** Why GitLab could not be told, or undefined when it has been. */
export async function saveTicketError(on: Queryable, incidentId: string, error: string | undefined): Promise<void> {
  await on.query("UPDATE tickets SET last_error = $2 WHERE incident_id = $1", [incidentId, error]);
}

/**
 * Incidents of which GitLab has not been told everything: the open ones without a ticket, those whose last try failed, and those of which
 * something new was written since. Closed ones count for `days`.
 */
export async function ticketsBehind(on: Queryable, days: number, limit: number): Promise<readonly string[]> {
  const { rows } = await on.query<{ id: string }>(
    `SELECT i.id FROM incidents i LEFT JOIN tickets t ON t.incident_id = i.id
     WHERE (i.state <> 'closed' OR i.closed_at > now() - $1 * interval '1 day')
       AND CASE WHEN t.incident_id IS NULL THEN i.merged_into IS NULL
                ELSE t.last_error IS NOT NULL
                     OR (SELECT max(seq) FROM event_log e WHERE e.incident_id = i.id) > COALESCE((t.synced->>'seq')::bigint, 0) END
     ORDER BY i.started_at LIMIT $2`,
    [days, limit],
  );
  return rows.map(({ id }) => id);
}
