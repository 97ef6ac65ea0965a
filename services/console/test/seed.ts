import { eventOf, IncidentOpened, type IncidentState, type OutgoingEvent, ThoughtRecorded } from "@tocsin/contracts";
import { isoTime, type Queryable } from "@tocsin/runtime";

const BASE_MS = Date.parse("2026-01-01T00:00:00.000Z");

/** Puts an incident with one firing alert into the store. */
export async function seedIncident(
  sql: Queryable,
  incident: { id: string; service?: string; state?: IncidentState; severity?: string; minute?: number },
): Promise<void> {
  const { id, service = "payments", state = "open", severity = "critical", minute = 0 } = incident;
  const at = isoTime(BASE_MS + minute * 60_000);
  const fingerprint = Buffer.from(id).toString("hex").padEnd(16, "0").slice(0, 16);
  await sql.query(
    `INSERT INTO incidents (id, scope, title, state, severity, service, started_at, last_alert_at, alert_count)
     VALUES ($1, 'default', $2, $3, $4, $5, $6, $6, 1)`,
    [id, `${service}: MemoryGrowing`, state, severity, service, at],
  );
  await sql.query(
    `INSERT INTO alerts (scope, fingerprint, name, service, severity, source, labels, annotations, status, starts_at, received_at, outcome, incident_id)
     VALUES ('default', $1, 'MemoryGrowing', $2, $3, 'alertmanager', $4, '{}', 'firing', $5, $5, 'incident', $6)`,
    [fingerprint, service, severity, JSON.stringify({ alertname: "MemoryGrowing", service }), at, id],
  );
  await sql.query(`INSERT INTO incident_members (incident_id, scope, fingerprint, role, reasons) VALUES ($1, 'default', $2, 'root', $3)`, [
    id,
    fingerprint,
    JSON.stringify([{ kind: "first", weight: 1, text: "the first alert" }]),
  ]);
}

export const thought = (incidentId: string, n: number): OutgoingEvent =>
  eventOf(
    ThoughtRecorded,
    { id: `${incidentId}:thought:${n}`, source: "/test", time: isoTime(BASE_MS + n) },
    { incidentId, at: isoTime(BASE_MS + n), kind: "note", text: `thought ${n}`, phase: "gather", evidence: ["ev_1"] },
  );

export const opened = (incidentId: string): OutgoingEvent =>
  eventOf(
    IncidentOpened,
    { id: `${incidentId}:opened`, source: "/test", time: isoTime(BASE_MS) },
    { incidentId, at: isoTime(BASE_MS), kind: "opened", text: "opened", state: "open" },
  );
