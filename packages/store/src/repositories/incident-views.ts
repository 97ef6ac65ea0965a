// Incidents and alerts as the API shows them: reading only.
import type {
  AlertOutcome,
  AlertView,
  Cause,
  Diagnosis,
  Evidence,
  IncidentState,
  IncidentSummary,
  IncidentView,
  Member,
  Narration,
  Severity,
} from "@tocsin/contracts";
import type { Queryable } from "@tocsin/runtime";
import { runViews } from "./runs.ts";

/** A place in a list, newest first: what the last item of a page was sorted by. */
export interface ListPosition {
  readonly at: string;
  readonly id: string;
}
export interface Page<T> {
  readonly items: T[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: ListPosition;
}

export interface SummaryRow {
  id: string;
  title: string;
  state: IncidentState;
  severity: Severity;
  service: string | null;
  scope: string;
  startedAt: string;
  updatedAt: string;
  closedAt: string | null;
  alertCount: number;
  verdict: "pending" | "cause" | "inconclusive";
  cause: Cause | null;
  escalation: string | null;
  acknowledgedBy: string | null;
}

export const SUMMARY = `i.id, i.title, i.state, i.severity, i.service, i.scope, i.started_at AS "startedAt", i.updated_at AS "updatedAt",
  i.closed_at AS "closedAt", i.alert_count AS "alertCount", i.verdict, i.diagnosis->'causes'->0 AS cause, i.escalation, i.acknowledged_by AS "acknowledgedBy"`;

/** Pure: leaves out what is absent, as JSON over HTTP wants it. */
export function summaryOf(row: SummaryRow): IncidentSummary {
  const { cause, verdict } = row;
  return {
    id: row.id,
    title: row.title,
    state: row.state,
    severity: row.severity,
    ...(row.service === null ? {} : { service: row.service }),
    scope: row.scope,
    startedAt: row.startedAt,
    updatedAt: row.updatedAt,
    ...(row.closedAt === null ? {} : { closedAt: row.closedAt }),
    alertCount: row.alertCount,
    ...(verdict === "cause" && cause !== null ? { cause: { service: cause.service, kind: cause.kind, confidence: cause.confidence } } : {}),
    ...(row.escalation === null || row.state !== "escalated" ? {} : { escalation: row.escalation }),
    ...(row.acknowledgedBy === null ? {} : { acknowledgedBy: row.acknowledgedBy }),
  };
}

export interface IncidentFilter {
  readonly states?: readonly string[];
  readonly severities?: readonly string[];
  readonly service?: string;
  readonly after?: ListPosition;
  readonly limit: number;
}

/** Incidents, the latest start first. */
export async function listIncidents(on: Queryable, filter: IncidentFilter): Promise<Page<IncidentSummary>> {
  const { states, severities, service, after, limit } = filter;
  const { rows } = await on.query<SummaryRow>(
    `SELECT ${SUMMARY} FROM incidents i
      WHERE ($1::text[] IS NULL OR i.state = ANY ($1)) AND ($2::text[] IS NULL OR i.severity = ANY ($2))
        AND ($3::text IS NULL OR i.service = $3)
        AND ($4::timestamptz IS NULL OR (i.started_at, i.id) < ($4, $5))
      ORDER BY i.started_at DESC, i.id DESC LIMIT $6`,
    [states ?? null, severities ?? null, service ?? null, after?.at ?? null, after?.id ?? null, limit + 1],
  );
  const items = rows.slice(0, limit).map(summaryOf);
  const last = items.at(-1);
  return rows.length > limit && last !== undefined ? { items, next: { at: last.startedAt, id: last.id } } : { items };
}

interface DetailRow extends SummaryRow {
  diagnosis: Diagnosis | null;
  analysis: string;
  narration: Narration | null;
  gitlab: string | null;
  mergedInto: string | null;
  feedback: NonNullable<IncidentView["feedback"]> | null;
}
type MemberRow = { [Key in keyof Member]: Member[Key] | null };

/** Longest timeline in one answer; the stream of the incident has the rest. */
const TIMELINE_LIMIT = 1_000;

/** One incident in full, or undefined when there is none of this id. */
export async function viewIncident(on: Queryable, id: string): Promise<IncidentView | undefined> {
  const { rows } = await on.query<DetailRow>(
    `SELECT ${SUMMARY}, i.diagnosis, i.analysis,
            (SELECT v.narration FROM investigations v WHERE v.incident_id = i.id ORDER BY v.round DESC LIMIT 1) AS narration, t.web_url AS gitlab, i.merged_into AS "mergedInto",
            CASE WHEN f.incident_id IS NOT NULL THEN jsonb_build_object('right', f.is_right, 'by', f.said_by, 'note', f.note,
              'at', to_char(f.said_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) END AS feedback
       FROM incidents i LEFT JOIN tickets t ON t.incident_id = i.id LEFT JOIN feedback f ON f.incident_id = i.id WHERE i.id = $1`,
    [id],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const members = await on.query<MemberRow>(
    `SELECT m.fingerprint, a.name, a.service, a.severity, a.labels, a.annotations, a.status, a.starts_at AS "startsAt", a.ends_at AS "endsAt",
            a.generator_url AS "generatorURL", m.role, m.reasons
       FROM incident_members m JOIN alerts a ON a.scope = m.scope AND a.fingerprint = m.fingerprint
      WHERE m.incident_id = $1 ORDER BY (m.role = 'root') DESC, a.starts_at, m.fingerprint`,
    [id],
  );
  const evidence = await on.query<{ body: Evidence }>("SELECT body FROM evidence WHERE incident_id = $1", [id]);
  const byId = new Map(evidence.rows.map(({ body }) => [body.id, body]));
  for (const item of row.diagnosis?.evidence ?? []) byId.set(item.id, item);
  const timeline = await on.query<{ id: string; at: string; kind: string; text: string }>(
    `SELECT seq::text AS id, at, data->>'kind' AS kind, data->>'text' AS text FROM event_log
      WHERE incident_id = $1 AND topic IN ('sre-events', 'agent-actions') ORDER BY seq LIMIT ${TIMELINE_LIMIT}`,
    [id],
  );
  return {
    ...summaryOf(row),
    members: members.rows.map((member) => Object.fromEntries(Object.entries(member).filter(([, value]) => value !== null)) as Member),
    verdict: row.verdict,
    causes: (row.diagnosis?.causes ?? []).map((cause) => ({
      ...cause,
      evidence: cause.evidence.flatMap((evidenceId) => byId.get(evidenceId) ?? []),
    })),
    runs: [...((await runViews(on, [id])).get(id) ?? [])],
    timeline: timeline.rows,
    analysis: row.analysis,
    ...(row.narration === null ? {} : { narration: row.narration }),
    evidence: [...byId.values()],
    ...(row.diagnosis?.unsettled === undefined ? {} : { unsettled: row.diagnosis.unsettled }),
    missing: row.diagnosis?.missing ?? [],
    ...(row.mergedInto === null ? {} : { mergedInto: row.mergedInto }),
    ...(row.feedback === null ? {} : { feedback: row.feedback }),
    links: row.gitlab === null ? {} : { gitlab: row.gitlab },
  };
}

/** Writes what a person says of the cause; the latest word holds. */
export async function saveFeedback(
  tx: Queryable,
  incidentId: string,
  feedback: { readonly right: boolean; readonly by: string; readonly note: string; readonly at: string },
): Promise<void> {
  await tx.query(
    `INSERT INTO feedback (incident_id, is_right, note, said_by, said_at) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (incident_id) DO UPDATE SET is_right = EXCLUDED.is_right, note = EXCLUDED.note, said_by = EXCLUDED.said_by, said_at = EXCLUDED.said_at`,
    [incidentId, feedback.right, feedback.note, feedback.by, feedback.at],
  );
}

export interface AlertFilter {
  readonly status?: string;
  readonly outcome?: string;
  readonly service?: string;
  readonly after?: ListPosition;
  readonly limit: number;
}

type AlertRow = { [Key in keyof AlertView]-?: AlertView[Key] | null } & { receivedAt: string; fingerprint: string; outcome: AlertOutcome };

/** Alerts in their current state with what became of them, the latest received first. */
export async function listAlerts(on: Queryable, filter: AlertFilter): Promise<Page<AlertView>> {
  const { status, outcome, service, after, limit } = filter;
  const { rows } = await on.query<AlertRow>(
    `SELECT fingerprint, name, service, severity, source, labels, annotations, status, starts_at AS "startsAt", ends_at AS "endsAt",
            received_at AS "receivedAt", outcome, incident_id AS "incidentId", reason
       FROM alerts
      WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR outcome = $2) AND ($3::text IS NULL OR service = $3)
        AND ($4::timestamptz IS NULL OR (received_at, fingerprint) < ($4, $5))
      ORDER BY received_at DESC, fingerprint DESC LIMIT $6`,
    [status ?? null, outcome ?? null, service ?? null, after?.at ?? null, after?.id ?? null, limit + 1],
  );
  const items = rows
    .slice(0, limit)
    .map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as AlertView);
  const last = items.at(-1);
  return rows.length > limit && last !== undefined ? { items, next: { at: last.receivedAt, id: last.fingerprint } } : { items };
}
