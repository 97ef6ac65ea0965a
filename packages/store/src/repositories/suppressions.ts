// What people keep out of incidents for a while, and what each rule has held back.
import type { Queryable } from "@tocsin/runtime";
import { jsonText } from "../values.ts";
import { ALERT_COLUMNS, type AlertRow } from "./alerts.ts";

/** When a rule holds, as `@tocsin/correlation` reads it. */
type SuppressionSchedule =
  | { readonly kind: "once"; readonly from: string; readonly to: string }
  | {
      readonly kind: "weekly";
      readonly days: readonly ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[];
      readonly from: string;
      readonly to: string;
      readonly timeZone: string;
    };

export interface NewSuppression {
  readonly id: string;
  readonly kind: "silence" | "maintenance";
  readonly matcher: string;
  readonly schedule: SuppressionSchedule;
  readonly owner: string;
  readonly reason: string;
  readonly createdAt: string;
  /** From then on it never holds again; absent for ever. */
  readonly overAt?: string;
}

export interface SuppressionRow extends Omit<NewSuppression, "overAt"> {
  readonly overAt: string | null;
  readonly endedAt: string | null;
  readonly endedBy: string | null;
  /** Transitions it has held back. */
  readonly suppressed: number;
  readonly lastAt: string | null;
  /** Alerts that fire and are held back by it now. */
  readonly holdingBack: number;
}

const COLUMNS = `s.id, s.kind, s.matcher, s.schedule, s.owner, s.reason, s.created_at AS "createdAt", s.over_at AS "overAt", s.ended_at AS "endedAt",
  s.ended_by AS "endedBy", s.suppressed, s.last_at AS "lastAt"`;
const HOLDING_BACK = `(SELECT count(*) FROM alerts a WHERE a.status = 'firing' AND a.outcome = 'suppressed'
  AND starts_with(a.reason, s.kind || ':' || s.id || ':')) AS "holdingBack"`;

export async function insertSuppression(tx: Queryable, rule: NewSuppression): Promise<void> {
  await tx.query(
    `INSERT INTO suppressions (id, kind, matcher, schedule, owner, reason, created_at, over_at)
     VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7, $8)`,
    [rule.id, rule.kind, rule.matcher, jsonText(rule.schedule), rule.owner, rule.reason, rule.createdAt, rule.overAt ?? null],
  );
}

/** Rules that may hold now or later, the oldest first: of several that match an alert, the first is named. */
export async function liveSuppressions(on: Queryable, nowMs: number): Promise<readonly Omit<SuppressionRow, "holdingBack">[]> {
  const { rows } = await on.query<Omit<SuppressionRow, "holdingBack">>(
    `SELECT ${COLUMNS} FROM suppressions s
      WHERE s.ended_at IS NULL AND (s.over_at IS NULL OR s.over_at > to_timestamp($1 / 1000.0)) ORDER BY s.created_at, s.id`,
    [nowMs],
  );
  return rows;
}

/** The newest first. `live` leaves out what has ended. */
export async function listSuppressions(
  on: Queryable,
  filter: { readonly kind: NewSuppression["kind"]; readonly live: boolean; readonly nowMs: number; readonly limit: number },
): Promise<readonly SuppressionRow[]> {
  const { rows } = await on.query<SuppressionRow>(
    `SELECT ${COLUMNS}, ${HOLDING_BACK} FROM suppressions s
      WHERE s.kind = $1 AND (NOT $2 OR (s.ended_at IS NULL AND (s.over_at IS NULL OR s.over_at > to_timestamp($3 / 1000.0))))
      ORDER BY s.created_at DESC, s.id DESC LIMIT $4`,
    [filter.kind, filter.live, filter.nowMs, filter.limit],
  );
  return rows;
}

export async function findSuppression(on: Queryable, kind: NewSuppression["kind"], id: string): Promise<SuppressionRow | undefined> {
  const { rows } = await on.query<SuppressionRow>(
    `SELECT ${COLUMNS}, ${HOLDING_BACK} FROM suppressions s WHERE s.id = $1 AND s.kind = $2`,
    [id, kind],
  );
  return rows[0];
}

/** @returns whether this call ended it */
export async function endSuppression(tx: Queryable, kind: NewSuppression["kind"], id: string, by: string, nowMs: number): Promise<boolean> {
  const { rowCount } = await tx.query(
    `UPDATE suppressions SET ended_at = to_timestamp($4 / 1000.0), ended_by = $3
      WHERE id = $1 AND kind = $2 AND ended_at IS NULL AND (over_at IS NULL OR over_at > to_timestamp($4 / 1000.0))`,
    [id, kind, by, nowMs],
  );
  return rowCount > 0;
}

/** Counts what rules held back; in the transaction that stores it, so that each transition counts once. */
export async function countSuppressed(tx: Queryable, counts: ReadonlyMap<string, number>, nowMs: number): Promise<void> {
  if (counts.size === 0) return;
  await tx.query(
    `UPDATE suppressions s SET suppressed = s.suppressed + t.n, last_at = to_timestamp($3 / 1000.0)
       FROM unnest($1::text[], $2::bigint[]) AS t (id, n) WHERE s.id = t.id`,
    [[...counts.keys()], [...counts.values()], nowMs],
  );
}

/** Alerts that fire and that a rule of people holds back, whether or not it still does. */
export async function heldBackAlerts(
  on: Queryable,
  after: { readonly scope: string; readonly fingerprint: string } | undefined,
  limit: number,
): Promise<readonly AlertRow[]> {
  const { rows } = await on.query<AlertRow>(
    `SELECT ${ALERT_COLUMNS} FROM alerts a
      WHERE a.status = 'firing' AND a.outcome = 'suppressed' AND (starts_with(a.reason, 'silence:') OR starts_with(a.reason, 'maintenance:')
          OR starts_with(a.reason, 'rule:'))
        AND (a.scope, a.fingerprint) > ($1, $2) ORDER BY a.scope, a.fingerprint LIMIT $3`,
    [after?.scope ?? "", after?.fingerprint ?? "", limit],
  );
  return rows;
}
