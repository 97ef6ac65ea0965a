// What the correlator writes about alerts: every acknowledged transition once, and the current state of each alert. All writes are
// set-based: one statement for a batch, however large.
import type { Alert } from "@tocsin/contracts";
import type { Queryable } from "@tocsin/runtime";
import { recordset } from "../recordset.ts";
import { cleanText, jsonText } from "../values.ts";

/** A transition and what became of it. */
export interface AlertTransition {
  readonly alert: Alert;
  readonly outcome: "incident" | "suppressed";
  readonly incidentId: string | undefined;
  readonly reason: string;
}

/** Which of the transitions are stored already. */
export async function knownTransitions(on: Queryable, dedupeKeys: readonly string[]): Promise<ReadonlySet<string>> {
  if (dedupeKeys.length === 0) return new Set();
  const { rows } = await on.query<{ key: string }>(`SELECT dedupe_key AS key FROM alert_transitions WHERE dedupe_key = ANY ($1::text[])`, [
    dedupeKeys,
  ]);
  return new Set(rows.map(({ key }) => key));
}

const TRANSITIONS = recordset<AlertTransition>({
  dedupe_key: ["text", ({ alert }) => alert.dedupeKey],
  scope: ["text", ({ alert }) => alert.scope],
  fingerprint: ["text", ({ alert }) => alert.fingerprint],
  status: ["text", ({ alert }) => alert.status],
  starts_at: ["timestamptz", ({ alert }) => alert.startsAt],
  ends_at: ["timestamptz", ({ alert }) => alert.endsAt],
  received_at: ["timestamptz", ({ alert }) => alert.receivedAt],
  outcome: ["text", ({ outcome }) => outcome],
  incident_id: ["text", ({ incidentId }) => incidentId],
  reason: ["text", ({ reason }) => reason],
});

/** Stores transitions; one that is there already stays as it is. */
export async function insertTransitions(tx: Queryable, transitions: readonly AlertTransition[]): Promise<void> {
  if (transitions.length === 0) return;
  await tx.query(
    `INSERT INTO alert_transitions (dedupe_key, scope, fingerprint, status, starts_at, ends_at, received_at, outcome, incident_id, reason)
     SELECT dedupe_key, scope, fingerprint, status, starts_at, ends_at, received_at, outcome, incident_id, reason FROM ${TRANSITIONS.from}
     ON CONFLICT (dedupe_key) DO NOTHING`,
    TRANSITIONS.params(transitions),
  );
}

/** Transitions a page of history holds. */
const HISTORY_PAGE = 1_000;

/**
 * What was received in a window and what became of it, a page at a time, in the order in which it came. Labels and texts are those that the
 * alert has now: transitions do not keep their own.
 */
export async function* transitionsBetween(
  on: Queryable,
  window: { readonly fromMs: number; readonly toMs: number },
): AsyncGenerator<readonly AlertTransition[]> {
  let after = { receivedAt: new Date(window.fromMs).toISOString(), dedupeKey: "" };
  for (;;) {
    const { rows } = await on.query<HistoryRow>(
      `SELECT t.dedupe_key AS "dedupeKey", t.received_at AS "receivedAt", t.received_at::text AS "exactly", t.status, t.starts_at AS "startsAt",
              t.ends_at AS "endsAt", t.outcome, t.incident_id AS "incidentId", t.reason, a.scope, a.fingerprint, a.name, a.service, a.severity,
              a.source, a.labels, a.annotations, a.group_key AS "groupKey"
         FROM alert_transitions t JOIN alerts a ON a.scope = t.scope AND a.fingerprint = t.fingerprint
        WHERE (t.received_at, t.dedupe_key) > ($1::timestamptz, $2) AND t.received_at < to_timestamp($3 / 1000.0)
        ORDER BY t.received_at, t.dedupe_key LIMIT $4`,
      [after.receivedAt, after.dedupeKey, window.toMs, HISTORY_PAGE],
    );
    if (rows.length > 0) yield rows.map(transitionOf);
    const last = rows.at(-1);
    if (last === undefined || rows.length < HISTORY_PAGE) return;
    after = { receivedAt: last.exactly, dedupeKey: last.dedupeKey };
  }
}

interface HistoryRow
  extends Pick<AlertRow, "scope" | "fingerprint" | "name" | "service" | "severity" | "source" | "labels" | "annotations"> {
  readonly dedupeKey: string;
  readonly receivedAt: string;
  /** With its microseconds, for going on from there. */
  readonly exactly: string;
  readonly status: Alert["status"];
  readonly startsAt: string;
  readonly endsAt: string | null;
  readonly outcome: AlertTransition["outcome"];
  readonly incidentId: string | null;
  readonly reason: string | null;
  readonly groupKey: string | null;
}

function transitionOf({ outcome, incidentId, reason, exactly: _, service, endsAt, groupKey, ...rest }: HistoryRow): AlertTransition {
  const alert: Alert = {
    ...rest,
    ...(service === null ? {} : { service }),
    ...(endsAt === null ? {} : { endsAt }),
    ...(groupKey === null ? {} : { groupKey }),
  };
  return { alert, outcome, incidentId: incidentId ?? undefined, reason: reason ?? "" };
}

/** The current state of an alert, as the correlator knows it. */
export interface AlertRow {
  readonly scope: string;
  readonly fingerprint: string;
  readonly name: string;
  readonly service: string | null;
  readonly severity: Alert["severity"];
  readonly source: string;
  readonly labels: Alert["labels"];
  readonly annotations: Alert["annotations"];
  readonly status: Alert["status"];
  readonly startsAt: string;
  readonly endsAt: string | null;
  readonly receivedAt: string;
  readonly generatorURL: string | null;
  readonly groupKey: string | null;
  readonly incidentId: string | null;
  /** Why it is in no incident, or how it came into its own. */
  readonly reason: string | null;
  readonly flapping: boolean;
  /** Unix milliseconds. */
  readonly transitions: readonly number[];
}

export const ALERT_COLUMNS = `a.scope, a.fingerprint, a.name, a.service, a.severity, a.source, a.labels, a.annotations, a.status, a.starts_at AS "startsAt",
  a.ends_at AS "endsAt", a.received_at AS "receivedAt", a.generator_url AS "generatorURL", a.group_key AS "groupKey", a.incident_id AS "incidentId",
  a.reason, a.flapping, a.transitions`;

/** Those of the alerts that are known. One query a scope: with both columns in a join, a planner without statistics reads the whole table. */
export async function findAlerts(
  on: Queryable,
  keys: readonly { readonly scope: string; readonly fingerprint: string }[],
): Promise<readonly AlertRow[]> {
  const found: AlertRow[] = [];
  for (const [scope, ofScope] of Map.groupBy(keys, (key) => key.scope)) {
    const { rows } = await on.query<AlertRow>(
      `SELECT ${ALERT_COLUMNS} FROM alerts a WHERE a.scope = $1 AND a.fingerprint = ANY ($2::text[])`,
      [cleanText(scope), [...new Set(ofScope.map(({ fingerprint }) => fingerprint))]],
    );
    found.push(...rows);
  }
  return found;
}

const ALERTS = recordset<AlertRow>({
  scope: ["text", (row) => row.scope],
  fingerprint: ["text", (row) => row.fingerprint],
  name: ["text", (row) => row.name],
  service: ["text", (row) => row.service],
  severity: ["text", (row) => row.severity],
  source: ["text", (row) => row.source],
  labels: ["jsonb", (row) => row.labels],
  annotations: ["jsonb", (row) => row.annotations],
  status: ["text", (row) => row.status],
  starts_at: ["timestamptz", (row) => row.startsAt],
  ends_at: ["timestamptz", (row) => row.endsAt],
  received_at: ["timestamptz", (row) => row.receivedAt],
  generator_url: ["text", (row) => row.generatorURL],
  group_key: ["text", (row) => row.groupKey],
  incident_id: ["text", (row) => row.incidentId],
  reason: ["text", (row) => row.reason],
  flapping: ["boolean", (row) => row.flapping],
  transitions: ["jsonb", (row) => row.transitions],
});

/** Writes the current states; each alert at most once. */
export async function upsertAlerts(tx: Queryable, alerts: readonly AlertRow[]): Promise<void> {
  if (alerts.length === 0) return;
  await tx.query(
    `INSERT INTO alerts (scope, fingerprint, name, service, severity, source, labels, annotations, status, starts_at, ends_at, received_at,
                         generator_url, group_key, outcome, incident_id, reason, flapping, transitions)
     SELECT scope, fingerprint, name, service, severity, source, labels, annotations, status, starts_at, ends_at, received_at,
            generator_url, group_key, CASE WHEN incident_id IS NULL THEN 'suppressed' ELSE 'incident' END, incident_id, reason, flapping, transitions
       FROM ${ALERTS.from}
     ON CONFLICT (scope, fingerprint) DO UPDATE SET
       severity = EXCLUDED.severity, source = EXCLUDED.source, annotations = EXCLUDED.annotations, status = EXCLUDED.status,
       starts_at = EXCLUDED.starts_at, ends_at = EXCLUDED.ends_at, received_at = EXCLUDED.received_at, generator_url = EXCLUDED.generator_url,
       group_key = EXCLUDED.group_key, outcome = EXCLUDED.outcome, incident_id = EXCLUDED.incident_id, reason = EXCLUDED.reason,
       flapping = EXCLUDED.flapping, transitions = EXCLUDED.transitions`,
    ALERTS.params(alerts),
  );
}

/** What can change about an alert without a message of its own. Times are Unix milliseconds. */
export interface AlertChange {
  readonly scope: string;
  readonly fingerprint: string;
  readonly startsAt: number;
  readonly endsAt: number | undefined;
  readonly incidentId: string | undefined;
  readonly flapping: boolean;
  /** Absent leaves the reason as it is. */
  readonly reason?: string | undefined;
}

export async function updateAlerts(tx: Queryable, changes: readonly AlertChange[]): Promise<void> {
  if (changes.length === 0) return;
  await tx.query(
    `UPDATE alerts a SET starts_at = to_timestamp(t."startsAt" / 1000.0), ends_at = to_timestamp(t."endsAt" / 1000.0), incident_id = t."incidentId",
            outcome = CASE WHEN t."incidentId" IS NULL THEN 'suppressed' ELSE 'incident' END, flapping = t.flapping,
            reason = coalesce(t.reason, a.reason)
       FROM jsonb_to_recordset($1::jsonb) AS t (scope text, fingerprint text, "startsAt" bigint, "endsAt" bigint, "incidentId" text, flapping boolean, reason text)
      WHERE a.scope = t.scope AND a.fingerprint = t.fingerprint`,
    [jsonText(changes)],
  );
}
