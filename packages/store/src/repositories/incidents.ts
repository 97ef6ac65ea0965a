// The correlator's side of incidents: what it opens, who is in them and why. Set-based: one statement for a batch.
import type { IncidentState, MemberRole, Reason, Severity } from "@tocsin/contracts";
import type { Queryable } from "@tocsin/runtime";
import type { Jobs } from "../jobs.ts";
import { recordset } from "../recordset.ts";
import { jsonText } from "../values.ts";
import { ALERT_COLUMNS, type AlertRow } from "./alerts.ts";

/**
 * Locks the scopes for this transaction, in one order for everybody, and tells the revision of each: what is held in memory under
 * another revision is stale.
 */
export async function lockScopes(tx: Queryable, scopes: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const ordered = [...scopes].sort();
  const lock = async () => {
    const { rows } = await tx.query<{ scope: string; revision: number }>(
      "SELECT scope, revision FROM correlation_scopes WHERE scope = ANY ($1::text[]) ORDER BY scope FOR UPDATE",
      [ordered],
    );
    return new Map(rows.map(({ scope, revision }) => [scope, revision]));
  };
  // With one scope there is nothing to lock in a wrong order, and but for its first time it is there.
  const known = ordered.length === 1 ? await lock() : undefined;
  if (known?.size === 1) return known;
  await tx.query("INSERT INTO correlation_scopes (scope) SELECT * FROM unnest($1::text[]) ON CONFLICT (scope) DO NOTHING", [ordered]);
  return lock();
}

export async function raiseScopes(tx: Queryable, scopes: readonly string[]): Promise<void> {
  await tx.query("UPDATE correlation_scopes SET revision = revision + 1 WHERE scope = ANY ($1::text[])", [scopes]);
}

/** An incident that is not closed, as correlation needs it. */
export interface LiveIncidentRow {
  readonly id: string;
  readonly scope: string;
  readonly state: IncidentState;
  readonly title: string;
  readonly severity: Severity;
  readonly service: string | null;
  readonly startedAt: string;
  readonly lastAlertAt: string;
  readonly recoveredAt: string | null;
}

export async function liveIncidents(on: Queryable, scopes: readonly string[]): Promise<readonly LiveIncidentRow[]> {
  const { rows } = await on.query<LiveIncidentRow>(
    `SELECT id, scope, state, title, severity, service, started_at AS "startedAt", last_alert_at AS "lastAlertAt", recovered_at AS "recoveredAt"
       FROM incidents WHERE scope = ANY ($1::text[]) AND state <> 'closed' ORDER BY started_at, id`,
    [scopes],
  );
  return rows;
}

export interface LiveMemberRow extends AlertRow {
  readonly role: MemberRole;
}

/** The alerts that are members of incidents that are not closed, in the order in which they joined. */
export async function liveMembers(on: Queryable, scopes: readonly string[]): Promise<readonly LiveMemberRow[]> {
  const { rows } = await on.query<LiveMemberRow>(
    `SELECT ${ALERT_COLUMNS}, m.role
       FROM incidents i JOIN incident_members m ON m.incident_id = i.id
       JOIN alerts a ON a.scope = m.scope AND a.fingerprint = m.fingerprint AND a.incident_id = m.incident_id
      WHERE i.scope = ANY ($1::text[]) AND i.state <> 'closed'
      ORDER BY m.joined_at, a.starts_at, a.fingerprint`,
    [scopes],
  );
  return rows;
}

/** The states of the incidents now, locked until the transaction ends. */
export async function lockIncidents(tx: Queryable, ids: readonly string[]): Promise<ReadonlyMap<string, IncidentState>> {
  if (ids.length === 0) return new Map();
  const { rows } = await tx.query<{ id: string; state: IncidentState }>(
    "SELECT id, state FROM incidents WHERE id = ANY ($1::text[]) ORDER BY id FOR UPDATE",
    [ids],
  );
  return new Map(rows.map(({ id, state }) => [id, state]));
}

/** How many incidents opened after a moment, those that were merged into another since not counted. */
export async function incidentsOpenedSince(on: Queryable, sinceMs: number): Promise<number> {
  const { rows } = await on.query<{ count: number }>(
    "SELECT count(*) AS count FROM incidents WHERE opened_at > to_timestamp($1 / 1000.0) AND merged_into IS NULL",
    [sinceMs],
  );
  return rows[0]?.count ?? 0;
}

/** How far the incidents are, without locking them. */
export async function incidentStates(
  on: Queryable,
  ids: readonly string[],
): Promise<readonly { readonly id: string; readonly state: IncidentState }[]> {
  if (ids.length === 0) return [];
  const { rows } = await on.query<{ id: string; state: IncidentState }>("SELECT id, state FROM incidents WHERE id = ANY ($1::text[])", [
    ids,
  ]);
  return rows;
}

/** What correlation says of an incident. Times are Unix milliseconds. */
export interface CorrelatedIncident {
  readonly id: string;
  readonly scope: string;
  readonly title: string;
  readonly severity: Severity;
  readonly service: string | undefined;
  readonly startedAt: number;
  readonly lastAlertAt: number;
  readonly recoveredAt: number | undefined;
  readonly alertCount: number;
}

const INCIDENTS = recordset<CorrelatedIncident>({
  id: ["text", (incident) => incident.id],
  scope: ["text", (incident) => incident.scope],
  title: ["text", (incident) => incident.title],
  severity: ["text", (incident) => incident.severity],
  service: ["text", (incident) => incident.service],
  started: ["float8", (incident) => incident.startedAt],
  recovered: ["float8", (incident) => incident.recoveredAt],
  last: ["float8", (incident) => incident.lastAlertAt],
  alert_count: ["integer", (incident) => incident.alertCount],
});

/**
 * Opens incidents and updates those that are there. The state is not touched: it moves along the lifecycle alone. A service that
 * a diagnosis has named stays.
 */
export async function upsertIncidents(tx: Queryable, incidents: readonly CorrelatedIncident[], nowMs: number): Promise<void> {
  if (incidents.length === 0) return;
  const now = `to_timestamp($${INCIDENTS.count + 1} / 1000.0)`;
  await tx.query(
    `INSERT INTO incidents (id, scope, title, state, severity, service, started_at, opened_at, updated_at, recovered_at, last_alert_at, alert_count)
     SELECT id, scope, title, 'open', severity, service, to_timestamp(started / 1000), ${now}, ${now}, to_timestamp(recovered / 1000),
            to_timestamp(last / 1000), alert_count
       FROM ${INCIDENTS.from}
     ON CONFLICT (id) DO UPDATE SET
       title = EXCLUDED.title, severity = EXCLUDED.severity,
       service = CASE WHEN incidents.verdict = 'cause' THEN incidents.service ELSE EXCLUDED.service END,
       started_at = EXCLUDED.started_at, recovered_at = EXCLUDED.recovered_at, last_alert_at = EXCLUDED.last_alert_at,
       alert_count = EXCLUDED.alert_count, updated_at = EXCLUDED.updated_at, revision = incidents.revision + 1`,
    [...INCIDENTS.params(incidents), nowMs],
  );
}

export interface NewMember {
  readonly incidentId: string;
  readonly scope: string;
  readonly fingerprint: string;
  readonly role: MemberRole;
  readonly reasons: readonly Reason[];
}

const MEMBERS = recordset<NewMember>({
  incident_id: ["text", (member) => member.incidentId],
  scope: ["text", (member) => member.scope],
  fingerprint: ["text", (member) => member.fingerprint],
  role: ["text", (member) => member.role],
  reasons: ["jsonb", (member) => member.reasons],
});

export async function upsertMembers(tx: Queryable, members: readonly NewMember[]): Promise<void> {
  if (members.length === 0) return;
  await tx.query(
    `INSERT INTO incident_members (incident_id, scope, fingerprint, role, reasons)
     SELECT incident_id, scope, fingerprint, role, reasons FROM ${MEMBERS.from}
     ON CONFLICT (incident_id, fingerprint) DO UPDATE SET role = EXCLUDED.role, reasons = EXCLUDED.reasons`,
    MEMBERS.params(members),
  );
}

/** Takes alerts out of the incidents that a split took them from; the decision remembers where they went. */
export async function deleteSplitOff(
  tx: Queryable,
  splits: readonly Pick<CorrelationDecision, "incidentId" | "fingerprints">[],
): Promise<void> {
  for (const { incidentId, fingerprints } of splits)
    await tx.query("DELETE FROM incident_members WHERE incident_id = $1 AND fingerprint = ANY($2)", [incidentId, fingerprints]);
}

/** Kinds of the reasons for a role begin so, beside those for the membership. */
export const ROLE_REASON_PREFIX = "role:";

/** Changes the roles of members; the reasons for the role are replaced, those for the membership stay. */
export async function updateRoles(
  tx: Queryable,
  roles: readonly Pick<NewMember, "incidentId" | "fingerprint" | "role" | "reasons">[],
): Promise<void> {
  if (roles.length === 0) return;
  await tx.query(
    `UPDATE incident_members m
        SET role = t.role,
            reasons = coalesce((SELECT jsonb_agg(r ORDER BY position) FROM jsonb_array_elements(m.reasons) WITH ORDINALITY AS e (r, position)
                                 WHERE NOT starts_with(r->>'kind', '${ROLE_REASON_PREFIX}')), '[]') || t.reasons
       FROM jsonb_to_recordset($1::jsonb) AS t ("incidentId" text, fingerprint text, role text, reasons jsonb)
      WHERE m.incident_id = t."incidentId" AND m.fingerprint = t.fingerprint`,
    [jsonText(roles)],
  );
}

/** A merge or a split, with who decided it. */
export interface CorrelationDecision {
  readonly id: string;
  readonly scope: string;
  readonly kind: "merge" | "split";
  /** The one that stays. */
  readonly incidentId: string;
  /** The one that ended by the merge, or began by the split. */
  readonly otherIncidentId: string;
  readonly fingerprints: readonly string[];
  readonly reasons: readonly Reason[];
  /** `correlator`, or a person. */
  readonly decidedBy: string;
}

export async function insertDecisions(tx: Queryable, decisions: readonly CorrelationDecision[], nowMs: number): Promise<void> {
  if (decisions.length === 0) return;
  await tx.query(
    `INSERT INTO correlation_decisions (id, scope, kind, incident_id, other_incident_id, fingerprints, reasons, decided_by, decided_at)
     SELECT id, scope, kind, "incidentId", "otherIncidentId", fingerprints, reasons, "decidedBy", to_timestamp($2 / 1000.0)
       FROM jsonb_to_recordset($1::jsonb) AS t (id text, scope text, kind text, "incidentId" text, "otherIncidentId" text, fingerprints jsonb,
            reasons jsonb, "decidedBy" text)
     ON CONFLICT (id) DO NOTHING`,
    [jsonText(decisions), nowMs],
  );
}

/** Decisions of people that hold, about incidents of the scopes that are not closed. */
export async function personDecisions(
  on: Queryable,
  scopes: readonly string[],
): Promise<readonly Pick<CorrelationDecision, "kind" | "scope" | "incidentId" | "otherIncidentId">[]> {
  const { rows } = await on.query<Pick<CorrelationDecision, "kind" | "scope" | "incidentId" | "otherIncidentId">>(
    `SELECT d.kind, d.scope, d.incident_id AS "incidentId", d.other_incident_id AS "otherIncidentId"
       FROM correlation_decisions d
      WHERE d.scope = ANY ($1::text[]) AND d.decided_by <> 'correlator' AND d.undone_at IS NULL
        AND EXISTS (SELECT FROM incidents i WHERE i.id IN (d.incident_id, d.other_incident_id) AND i.state <> 'closed')`,
    [scopes],
  );
  return rows;
}

export interface StoredDecision extends CorrelationDecision {
  readonly decidedAt: string;
  readonly undoneBy: string | null;
}

/** The merges and splits that an incident took part in, the latest first. */
export async function decisionsOf(on: Queryable, incidentId: string): Promise<readonly StoredDecision[]> {
  const { rows } = await on.query<StoredDecision>(
    `SELECT id, scope, kind, incident_id AS "incidentId", other_incident_id AS "otherIncidentId", fingerprints, reasons,
            decided_by AS "decidedBy", decided_at AS "decidedAt", undone_by AS "undoneBy"
       FROM correlation_decisions WHERE incident_id = $1 OR other_incident_id = $1 ORDER BY decided_at DESC, id`,
    [incidentId],
  );
  return rows;
}

/** Marks a decision as undone. @returns false when it was undone before, or there is none */
export async function undoDecision(tx: Queryable, id: string, by: string, nowMs: number): Promise<boolean> {
  const { rowCount } = await tx.query(
    "UPDATE correlation_decisions SET undone_by = $2, undone_at = to_timestamp($3 / 1000.0) WHERE id = $1 AND undone_at IS NULL",
    [id, by, nowMs],
  );
  return rowCount > 0;
}

/** The scope of an incident, or undefined when there is none. */
export async function scopeOfIncident(on: Queryable, incidentId: string): Promise<string | undefined> {
  const { rows } = await on.query<{ scope: string }>("SELECT scope FROM incidents WHERE id = $1", [incidentId]);
  return rows[0]?.scope;
}

/** Scopes in which a flapping alert has been resolved and quiet since before `untilMs`. */
export async function scopesToRelease(on: Queryable, untilMs: number): Promise<readonly string[]> {
  const { rows } = await on.query<{ scope: string }>(
    "SELECT DISTINCT scope FROM alerts WHERE flapping AND status = 'resolved' AND ends_at <= to_timestamp($1 / 1000.0)",
    [untilMs],
  );
  return rows.map(({ scope }) => scope);
}

/** The queue of what people decide about grouping; the correlator works it. */
export const CORRELATION_QUEUE = "correlation-decision";

/** A person's wish, as a job's data. `fingerprints` are joined with commas. */
export type CorrelationWish =
  | { readonly kind: "merge"; readonly id: string; readonly intoId: string; readonly fromId: string; readonly by: string }
  | { readonly kind: "split"; readonly id: string; readonly incidentId: string; readonly fingerprints: string; readonly by: string };

/**
 * Asks the correlator to merge or split, in the caller's transaction; it happens within moments and shows as an event.
 *
 * @param jobs `store.jobs`
 */
export async function requestCorrelation(tx: Queryable, jobs: Jobs, wish: CorrelationWish): Promise<void> {
  await jobs.send(tx, { queue: CORRELATION_QUEUE, data: { ...wish }, singletonKey: wish.id });
}

/** Ends incidents whose members went to another. The fence is raised: whoever works on one is refused from now on. */
export async function closeMerged(
  tx: Queryable,
  merges: readonly { readonly from: string; readonly into: string }[],
  nowMs: number,
): Promise<void> {
  if (merges.length === 0) return;
  await tx.query(
    `UPDATE incidents i SET state = 'closed', closed_at = to_timestamp($2 / 1000.0), updated_at = to_timestamp($2 / 1000.0), merged_into = t."into",
            analysis = 'Merged into ' || t."into" || '.', alert_count = 0, fence = i.fence + 1, revision = i.revision + 1
       FROM jsonb_to_recordset($1::jsonb) AS t ("from" text, "into" text) WHERE i.id = t."from"`,
    [jsonText(merges), nowMs],
  );
}

/** A learned pair; `count` faded from `at` (Unix milliseconds) on. */
export interface StoredPair {
  readonly a: string;
  readonly b: string;
  readonly count: number;
  readonly at: number;
}

export async function readPairs(on: Queryable, scope: string, limit: number): Promise<readonly StoredPair[]> {
  const { rows } = await on.query<StoredPair>(
    `SELECT a, b, count, (extract(epoch FROM seen_at) * 1000)::bigint AS at FROM alert_pairs WHERE scope = $1 ORDER BY seen_at DESC LIMIT $2`,
    [scope, limit],
  );
  return rows;
}

const PAIRS = recordset<StoredPair & { readonly scope: string }>({
  scope: ["text", (pair) => pair.scope],
  a: ["text", (pair) => pair.a],
  b: ["text", (pair) => pair.b],
  count: ["float8", (pair) => pair.count],
  at: ["float8", (pair) => pair.at],
});

export async function upsertPairs(tx: Queryable, pairs: readonly (StoredPair & { readonly scope: string })[]): Promise<void> {
  if (pairs.length === 0) return;
  await tx.query(
    `INSERT INTO alert_pairs (scope, a, b, count, seen_at)
     SELECT scope, a, b, count, to_timestamp(at / 1000) FROM ${PAIRS.from}
     ON CONFLICT (scope, a, b) DO UPDATE SET count = EXCLUDED.count, seen_at = EXCLUDED.seen_at`,
    PAIRS.params(pairs),
  );
}
