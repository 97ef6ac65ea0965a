import type { Queryable } from "@tocsin/runtime";

/**
 * Notes in the caller's transaction that a consumer group handles these events.
 *
 * Two members of a group that claim the same event at the same time (after a rebalance) wait for each other: the second sees it as
 * handled once the first has committed, and as new when the first rolled back.
 *
 * @param consumer the consumer group, `tocsin.<module>`
 * @returns the ids that were not handled before: only their effects are to be done
 */
export async function claimEvents(tx: Queryable, consumer: string, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  // In one order everywhere, so that two overlapping batches cannot deadlock.
  const { rows } = await tx.query<{ event_id: string }>(
    `INSERT INTO handled_events (consumer, event_id)
     SELECT $1, id FROM unnest($2::text[]) AS list(id) GROUP BY id ORDER BY id
     ON CONFLICT DO NOTHING RETURNING event_id`,
    [consumer, ids],
  );
  return new Set(rows.map((row) => row.event_id));
}
