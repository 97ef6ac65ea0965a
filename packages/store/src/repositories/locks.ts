// One run at a time acts on a target. A lock is a lease: a process that dies leaves it, and it runs out.
import { isoTime, type Queryable } from "@tocsin/runtime";

/**
 * Locks targets for a run, all or (by the caller's rollback) none. A lock that this run holds already is renewed.
 *
 * @returns the target that another run holds, with that run; undefined when all are held now
 */
export async function lockTargets(
  tx: Queryable,
  runId: string,
  targets: readonly string[],
  nowMs: number,
  leaseMs: number,
): Promise<{ readonly target: string; readonly runId: string } | undefined> {
  // In one order everywhere, so that two runs with overlapping targets cannot deadlock.
  for (const target of [...targets].sort()) {
    const { rowCount } = await tx.query(
      `INSERT INTO target_locks (target, run_id, locked_until) VALUES ($1, $2, $3)
       ON CONFLICT (target) DO UPDATE SET run_id = excluded.run_id, locked_until = excluded.locked_until
       WHERE target_locks.run_id = excluded.run_id OR target_locks.locked_until < $4`,
      [target, runId, isoTime(nowMs + leaseMs), isoTime(nowMs)],
    );
    if (rowCount === 0) return { target, runId: (await lockHolders(tx, [target], nowMs)).get(target) ?? "unknown" };
  }
  return undefined;
}

/** @returns how many locks of the run were renewed; fewer than it took means that one was lost */
export async function renewLocks(on: Queryable, runId: string, nowMs: number, leaseMs: number): Promise<number> {
  const { rowCount } = await on.query("UPDATE target_locks SET locked_until = $2 WHERE run_id = $1", [runId, isoTime(nowMs + leaseMs)]);
  return rowCount;
}

export async function releaseLocks(on: Queryable, runId: string): Promise<void> {
  await on.query("DELETE FROM target_locks WHERE run_id = $1", [runId]);
}

/** Who holds which of the targets now. */
export async function lockHolders(on: Queryable, targets: readonly string[], nowMs: number): Promise<ReadonlyMap<string, string>> {
  const { rows } = await on.query<{ target: string; runId: string }>(
    `SELECT target, run_id AS "runId" FROM target_locks WHERE target = ANY($1) AND locked_until >= $2`,
    [targets, isoTime(nowMs)],
  );
  return new Map(rows.map((row) => [row.target, row.runId]));
}
