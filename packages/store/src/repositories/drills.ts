// Drills: scored exercises. The report is the row; the columns beside it are what is searched by.
import { ACTING_VERBS, type DrillView, type IncidentState } from "@tocsin/contracts";
import type { Queryable } from "@tocsin/runtime";
import { jsonText } from "../values.ts";
import type { ListPosition, Page } from "./incident-views.ts";

/**
 * Stores a drill that begins.
 *
 * @returns the id of the drill that already runs on the target; the new one is not stored then
 */
export async function insertDrill(on: Queryable, drill: DrillView): Promise<string | undefined> {
  const { rowCount } = await on.query(
    `INSERT INTO drills (id, fault, target, seconds, state, injected_at, report) VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb)
     ON CONFLICT (target) WHERE state = 'running' DO NOTHING`,
    [drill.id, drill.fault, drill.target, drill.seconds, drill.state, drill.at.injected, jsonText(drill)],
  );
  if (rowCount === 1) return undefined;
  const { rows } = await on.query<{ id: string }>("SELECT id FROM drills WHERE target = $1 AND state = 'running'", [drill.target]);
  return rows[0]?.id ?? "";
}

/**
 * Writes the report of a drill that still runs. One that has ended never changes again.
 *
 * @returns false when it had ended before
 */
export async function updateDrill(on: Queryable, drill: DrillView): Promise<boolean> {
  const { rowCount } = await on.query(
    `UPDATE drills SET state = $2, incident_id = $3, report = $4::jsonb, updated_at = now() WHERE id = $1 AND state = 'running'`,
    [drill.id, drill.state, drill.incidentId ?? null, jsonText(drill)],
  );
  return rowCount === 1;
}

/** The drills that run, locked until the transaction ends, so that two observers do not write over each other. */
export async function lockRunningDrills(tx: Queryable): Promise<readonly DrillView[]> {
  const { rows } = await tx.query<{ report: DrillView }>("SELECT report FROM drills WHERE state = 'running' ORDER BY id FOR UPDATE");
  return rows.map((row) => row.report);
}

export async function findDrill(on: Queryable, id: string): Promise<DrillView | undefined> {
  const { rows } = await on.query<{ report: DrillView }>("SELECT report FROM drills WHERE id = $1", [id]);
  return rows[0]?.report;
}

/** Drills, the latest first. */
export async function listDrills(on: Queryable, page: { readonly after?: ListPosition; readonly limit: number }): Promise<Page<DrillView>> {
  const { rows } = await on.query<{ report: DrillView; id: string; at: string }>(
    `SELECT report, id, injected_at AS at FROM drills
      WHERE $1::timestamptz IS NULL OR (injected_at, id) < ($1, $2) ORDER BY injected_at DESC, id DESC LIMIT $3`,
    [page.after?.at ?? null, page.after?.id ?? null, page.limit + 1],
  );
  const items = rows.slice(0, page.limit);
  const last = items.at(-1);
  return { items: items.map((row) => row.report), ...(rows.length > page.limit && last ? { next: { at: last.at, id: last.id } } : {}) };
}

/** The incident that a drill brought about, as far as the store knows. Times are RFC 3339. */
export interface DrillIncident {
  readonly id: string;
  readonly state: IncidentState;
  /** Its cause or one of its members is the drill's target. */
  readonly involvesTarget: boolean;
  /** It was opened after the injection; otherwise an alert of the drill joined it. */
  readonly isNew: boolean;
  readonly openedAt: string;
  readonly closedAt: string | undefined;
  readonly escalation: string | undefined;
  /** When it was last handed to a person. */
  readonly escalatedAt: string | undefined;
  /** Start of the earliest alert in it that began to fire after the injection. */
  readonly firedAt: string | undefined;
  readonly verdict: "pending" | "cause" | "inconclusive";
  /** As diagnosed after the injection. */
  readonly cause: { readonly service: string; readonly at: string } | undefined;
  /** The first step of a run that acts on something. */
  readonly action: { readonly verb: string; readonly at: string } | undefined;
  /** When a run ended well: done and verified. */
  readonly verifiedAt: string | undefined;
}

/**
 * Which incident belongs to a fault that was injected at `since`: first those that involve the target, of these first the ones
 * opened after the injection, of these the earliest. An incident that was merged into another does not count.
 */
export async function incidentOfDrill(on: Queryable, target: string, since: string): Promise<DrillIncident | undefined> {
  const { rows } = await on.query<{ [Key in keyof DrillIncident]: DrillIncident[Key] | null }>(
    `SELECT i.id, i.state, i.opened_at >= $2 AS "isNew", i.opened_at AS "openedAt", i.closed_at AS "closedAt", i.escalation, i.verdict,
            i.service IS NOT DISTINCT FROM $1 OR i.diagnosis->'causes'->0->>'service' IS NOT DISTINCT FROM $1
              OR EXISTS (SELECT FROM incident_members m JOIN alerts a ON a.scope = m.scope AND a.fingerprint = m.fingerprint
                          WHERE m.incident_id = i.id AND a.service = $1) AS "involvesTarget",
            (SELECT min(t.starts_at) FROM alert_transitions t
              WHERE t.incident_id = i.id AND t.status = 'firing' AND t.starts_at >= $2) AS "firedAt",
            (SELECT max(e.at) FROM event_log e WHERE e.incident_id = i.id AND e.data->>'state' = 'escalated') AS "escalatedAt",
            CASE WHEN i.verdict = 'cause' AND (i.diagnosis->>'at')::timestamptz >= $2 THEN jsonb_build_object('service', i.diagnosis->'causes'->0->>'service', 'at', i.diagnosis->>'at') END AS cause,
            (SELECT jsonb_build_object('verb', s.verb, 'at', to_char(s.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
               FROM runs r JOIN run_steps s ON s.run_id = r.id
              WHERE r.incident_id = i.id AND s.role = 'act' AND s.verb = ANY ($3::text[]) AND s.started_at >= $2 AND s.state <> 'skipped'
              ORDER BY s.started_at, s.position LIMIT 1) AS action,
            (SELECT min(r.finished_at) FROM runs r WHERE r.incident_id = i.id AND r.state = 'succeeded' AND r.finished_at >= $2) AS "verifiedAt"
       FROM incidents i
      WHERE i.merged_into IS NULL
        AND (i.opened_at >= $2 OR EXISTS (SELECT FROM alert_transitions t JOIN alerts a ON a.scope = t.scope AND a.fingerprint = t.fingerprint
              WHERE t.incident_id = i.id AND t.status = 'firing' AND t.starts_at >= $2 AND a.service = $1))
      ORDER BY "involvesTarget" DESC, "isNew" DESC, i.opened_at, i.id LIMIT 1`,
    [target, since, ACTING_VERBS],
  );
  const row = rows[0];
  return row && (Object.fromEntries(Object.entries(row).map(([key, value]) => [key, value ?? undefined])) as unknown as DrillIncident);
}
