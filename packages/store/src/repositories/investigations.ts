// Terms. A *round* is one pass over an incident: gather, diagnose, plan, and the checking of what came of it. Everything a round writes can
// be written again without effect, so that a round cut off in the middle is simply gone through once more.
import { gunzipSync, gzipSync } from "node:zlib";
import type { Diagnosis, Evidence, IncidentState, Narration } from "@tocsin/contracts";
import type { Queryable } from "@tocsin/runtime";
import { jsonText } from "../values.ts";

/** What decides which step an incident takes next. */
export interface IncidentWork {
  readonly id: string;
  readonly state: IncidentState;
  readonly title: string;
  readonly scope: string;
  readonly startedAt: string;
  /** Since when no member fires; absent while one does. */
  readonly recoveredAt: string | undefined;
  readonly resolvedAt: string | undefined;
}

/** One round, as its worker sees it. `Findings` and `Outcome` are the worker's own. */
export interface InvestigationRow<Findings = unknown, Outcome = unknown> {
  readonly incidentId: string;
  readonly round: number;
  readonly reason: string;
  readonly startedAt: string;
  readonly finishedAt: string | undefined;
  readonly hasGathered: boolean;
  readonly findings: Findings | undefined;
  readonly outcome: Outcome | undefined;
  /** What came of asking a model, once it was asked or skipped. */
  readonly advice: unknown;
  readonly narration: Narration | undefined;
  readonly verifySince: string | undefined;
  readonly healthySince: string | undefined;
  /** What the round remembered; the worker's own as well. */
  readonly recall: unknown;
}

function present<Row extends object>(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, value ?? undefined])) as Row;
}

export async function incidentWork(on: Queryable, id: string): Promise<IncidentWork | undefined> {
  const { rows } = await on.query<IncidentWork>(
    `SELECT id, state, title, scope, started_at AS "startedAt", recovered_at AS "recoveredAt", resolved_at AS "resolvedAt"
       FROM incidents WHERE id = $1`,
    [id],
  );
  return rows[0] && present(rows[0]);
}

const COLUMNS = `incident_id AS "incidentId", round, reason, started_at AS "startedAt", finished_at AS "finishedAt",
  gathered IS NOT NULL AS "hasGathered", findings, outcome, advice, narration, verify_since AS "verifySince", healthy_since AS "healthySince", recall`;

/** The latest round, or undefined before the first. */
export async function latestInvestigation<Findings, Outcome>(
  on: Queryable,
  incidentId: string,
): Promise<InvestigationRow<Findings, Outcome> | undefined> {
  const { rows } = await on.query<InvestigationRow<Findings, Outcome>>(
    `SELECT ${COLUMNS} FROM investigations WHERE incident_id = $1 ORDER BY round DESC LIMIT 1`,
    [incidentId],
  );
  return rows[0] && present(rows[0]);
}

/** Every round of an incident, the first one first. */
export async function investigationsOf<Findings, Outcome>(
  on: Queryable,
  incidentId: string,
): Promise<readonly InvestigationRow<Findings, Outcome>[]> {
  const { rows } = await on.query<InvestigationRow<Findings, Outcome>>(
    `SELECT ${COLUMNS} FROM investigations WHERE incident_id = $1 ORDER BY round`,
    [incidentId],
  );
  return rows.map(present);
}

/** Begins a round; a second time it does nothing. */
export async function insertInvestigation(tx: Queryable, incidentId: string, round: number, reason: string, at: string): Promise<void> {
  await tx.query(`INSERT INTO investigations (incident_id, round, reason, started_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, [
    incidentId,
    round,
    reason,
    at,
  ]);
}

/** Keeps what was gathered, once: what is there already stays, so that a round repeated diagnoses the same input. */
export async function saveGathered(tx: Queryable, incidentId: string, round: number, gathered: unknown): Promise<void> {
  await tx.query("UPDATE investigations SET gathered = $3 WHERE incident_id = $1 AND round = $2 AND gathered IS NULL", [
    incidentId,
    round,
    new Uint8Array(gzipSync(JSON.stringify(gathered), { level: 3 })),
  ]);
}

export async function readGathered<Gathered>(on: Queryable, incidentId: string, round: number): Promise<Gathered | undefined> {
  const { rows } = await on.query<{ gathered: Uint8Array | null }>(
    "SELECT gathered FROM investigations WHERE incident_id = $1 AND round = $2",
    [incidentId, round],
  );
  const bytes = rows[0]?.gathered;
  return bytes ? (JSON.parse(gunzipSync(bytes).toString("utf8")) as Gathered) : undefined;
}

/** Writes the round's diagnosis into the incident, which from then on names the service of the cause, and its evidence beside it. */
export async function saveDiagnosis(
  tx: Queryable,
  incidentId: string,
  round: number,
  diagnosis: Diagnosis,
  findings: unknown,
  at: string,
): Promise<void> {
  await saveEvidence(tx, incidentId, diagnosis.evidence);
  const service = diagnosis.verdict === "cause" ? (diagnosis.causes[0]?.service ?? null) : null;
  await tx.query(
    `UPDATE incidents SET verdict = $2, diagnosis = $3::jsonb, service = COALESCE($4, service), updated_at = $5, revision = revision + 1
      WHERE id = $1`,
    [incidentId, diagnosis.verdict, jsonText(diagnosis), service, at],
  );
  await tx.query("UPDATE investigations SET findings = $3::jsonb WHERE incident_id = $1 AND round = $2", [
    incidentId,
    round,
    jsonText(findings),
  ]);
}

/** Evidence by id; told again, it says the latest. */
export async function saveEvidence(tx: Queryable, incidentId: string, evidence: readonly Evidence[]): Promise<void> {
  if (evidence.length === 0) return;
  await tx.query(
    `INSERT INTO evidence (id, incident_id, body) SELECT e->>'id', $1, e FROM jsonb_array_elements($2::jsonb) AS list(e)
     ON CONFLICT (id) DO UPDATE SET body = EXCLUDED.body`,
    [incidentId, jsonText(evidence)],
  );
}

export async function diagnosisOf(on: Queryable, incidentId: string): Promise<Diagnosis | undefined> {
  const { rows } = await on.query<{ diagnosis: Diagnosis | null }>("SELECT diagnosis FROM incidents WHERE id = $1", [incidentId]);
  return rows[0]?.diagnosis ?? undefined;
}

/**
 * Keeps what came of asking a model before the plan (what is there stays), and the diagnosis as it stands with that: written again by a
 * round that is gone through again, for the diagnosis without it was.
 */
export async function saveAdvice(
  tx: Queryable,
  incidentId: string,
  round: number,
  advice: unknown,
  diagnosis: Diagnosis | undefined,
  at: string,
): Promise<void> {
  await tx.query("UPDATE investigations SET advice = $3::jsonb WHERE incident_id = $1 AND round = $2 AND advice IS NULL", [
    incidentId,
    round,
    jsonText(advice),
  ]);
  if (diagnosis === undefined) return;
  await saveEvidence(tx, incidentId, diagnosis.evidence);
  await tx.query(
    "UPDATE incidents SET verdict = $2, diagnosis = $3::jsonb, updated_at = $4, revision = revision + 1 WHERE id = $1 AND diagnosis IS DISTINCT FROM $3::jsonb",
    [incidentId, diagnosis.verdict, jsonText(diagnosis), at],
  );
}

/** Keeps a round's narration and puts its section at the end of the analysis. Once: what is there stays. */
export async function saveNarration(
  tx: Queryable,
  incidentId: string,
  round: number,
  narration: Narration,
  section: string,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    "UPDATE investigations SET narration = $3::jsonb WHERE incident_id = $1 AND round = $2 AND narration IS NULL",
    [incidentId, round, jsonText(narration)],
  );
  if (rowCount === 0) return false;
  await tx.query(
    "UPDATE incidents SET analysis = analysis || $2, updated_at = $3, revision = revision + 1 WHERE id = $1 AND analysis <> ''",
    [incidentId, section, narration.at],
  );
  return true;
}

/** What the plan came to, once. */
export async function saveOutcome(tx: Queryable, incidentId: string, round: number, outcome: unknown): Promise<void> {
  await tx.query("UPDATE investigations SET outcome = $3::jsonb WHERE incident_id = $1 AND round = $2 AND outcome IS NULL", [
    incidentId,
    round,
    jsonText(outcome),
  ]);
}

export async function finishInvestigation(tx: Queryable, incidentId: string, round: number, at: string): Promise<void> {
  await tx.query("UPDATE investigations SET finished_at = COALESCE(finished_at, $3) WHERE incident_id = $1 AND round = $2", [
    incidentId,
    round,
    at,
  ]);
}

/** How far the verification is: since when it runs, and since when everything has looked good (absent: it does not). */
export async function saveVerification(
  tx: Queryable,
  incidentId: string,
  round: number,
  since: { readonly verifySince: string; readonly healthySince: string | undefined },
): Promise<void> {
  await tx.query("UPDATE investigations SET verify_since = $3, healthy_since = $4 WHERE incident_id = $1 AND round = $2", [
    incidentId,
    round,
    since.verifySince,
    since.healthySince ?? null,
  ]);
}

export async function saveAnalysis(tx: Queryable, incidentId: string, markdown: string, at: string): Promise<void> {
  await tx.query("UPDATE incidents SET analysis = $2, updated_at = $3, revision = revision + 1 WHERE id = $1 AND analysis <> $2", [
    incidentId,
    markdown,
    at,
  ]);
}

/** Incidents that were being worked on and whose worker may be gone: what a process that starts anew looks after. */
export async function incidentsUnderWork(on: Queryable): Promise<readonly { readonly id: string; readonly state: IncidentState }[]> {
  const { rows } = await on.query<{ id: string; state: IncidentState }>(
    "SELECT id, state FROM incidents WHERE state NOT IN ('closed', 'escalated') ORDER BY started_at, id",
  );
  return rows;
}

/** Incidents of a scope that were over before a time: nothing about normal times is to be learned while they lasted. */
export async function earlierIncidents(
  on: Queryable,
  scope: string,
  from: string,
  before: string,
): Promise<readonly { readonly startedAt: string; readonly endedAt: string }[]> {
  const { rows } = await on.query<{ startedAt: string; endedAt: string }>(
    `SELECT started_at AS "startedAt", COALESCE(recovered_at, resolved_at, closed_at) AS "endedAt" FROM incidents
      WHERE scope = $1 AND started_at < $3 AND COALESCE(recovered_at, resolved_at, closed_at) BETWEEN $2 AND $3 ORDER BY started_at`,
    [scope, from, before],
  );
  return rows;
}
