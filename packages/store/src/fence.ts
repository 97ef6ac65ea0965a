// Terms. A *fence* is a number on an incident that only grows. Whoever starts to work on the incident raises it and from then on writes
// only while it is still the same: a worker that lost its lease and comes back late cannot write over its successor.
import type { Queryable } from "@tocsin/runtime";
import { storeFenced } from "./errors.ts";

/**
 * Takes an incident over: every earlier holder of a fence is refused from now on.
 * @returns the fence to write with
 * @throws AppError `STORE_FENCED` when there is no such incident
 */
export async function claimIncident(sql: Queryable, incidentId: string): Promise<number> {
  const { rows } = await sql.query<{ fence: number }>("UPDATE incidents SET fence = fence + 1 WHERE id = $1 RETURNING fence", [incidentId]);
  const fence = rows[0]?.fence;
  if (fence === undefined) throw storeFenced(incidentId, 0, undefined);
  return fence;
}

/**
 * To be called first in each transaction that writes about an incident. Locks the incident's row until the transaction ends, so nobody
 * can take it over between this and the commit.
 * @throws AppError `STORE_FENCED` when another has taken it over, or there is no such incident
 */
export async function assertFence(tx: Queryable, incidentId: string, fence: number): Promise<void> {
  const { rows } = await tx.query<{ fence: number }>("SELECT fence FROM incidents WHERE id = $1 FOR UPDATE", [incidentId]);
  const current = rows[0]?.fence;
  if (current !== fence) throw storeFenced(incidentId, fence, current);
}
