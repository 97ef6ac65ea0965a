// How far runbooks may act by themselves, as their record moved it. Append-only: the last change of a runbook and an environment holds.
import type { Queryable } from "@tocsin/runtime";

export type AutonomyChangeKind = "proposed" | "promoted" | "declined" | "demoted";

export interface AutonomyChange {
  /** Deterministic, so that the same occasion told twice is one change. */
  readonly id: string;
  readonly runbook: string;
  readonly environment: string;
  readonly kind: AutonomyChangeKind;
  readonly reason: string;
  readonly by: string;
  /** RFC 3339 */
  readonly at: string;
  readonly runId?: string;
}

/** @returns false when a change of this id is there already */
export async function insertAutonomyChange(tx: Queryable, change: AutonomyChange): Promise<boolean> {
  const { rowCount } = await tx.query(
    `INSERT INTO autonomy_changes (id, runbook, environment, kind, reason, by_whom, at, run_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
    [change.id, change.runbook, change.environment, change.kind, change.reason, change.by, change.at, change.runId ?? null],
  );
  return rowCount > 0;
}

/** Changes, the latest first. */
export async function autonomyChanges(
  on: Queryable,
  query: { readonly runbook?: string; readonly environment?: string; readonly limit: number },
): Promise<readonly AutonomyChange[]> {
  const { rows } = await on.query<Omit<AutonomyChange, "runId"> & { runId: string | null }>(
    `SELECT id, runbook, environment, kind, reason, by_whom AS by, at, run_id AS "runId" FROM autonomy_changes
     WHERE ($1::text IS NULL OR runbook = $1) AND ($2::text IS NULL OR environment = $2) ORDER BY seq DESC LIMIT $3`,
    [query.runbook, query.environment, query.limit],
  );
  return rows.map(({ runId, ...row }) => ({ ...row, ...(runId === null ? {} : { runId }) }));
}

/** The change that holds for a runbook in an environment. */
export async function lastAutonomyChange(on: Queryable, runbook: string, environment: string): Promise<AutonomyChange | undefined> {
  return (await autonomyChanges(on, { runbook, environment, limit: 1 }))[0];
}
