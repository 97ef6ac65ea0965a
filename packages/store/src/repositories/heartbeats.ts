// When each always-firing alert was last heard. The bridge writes, the correlator watches.
import type { Alert } from "@tocsin/contracts";
import type { Queryable } from "@tocsin/runtime";
import { jsonText } from "../values.ts";

export interface Heartbeat {
  readonly scope: string;
  readonly fingerprint: string;
  readonly source: string;
  readonly name: string;
  readonly labels: Alert["labels"];
  readonly firstAt: string;
  readonly seenAt: string;
}

/** Notes that these alerts were heard; the later time stays. */
export async function recordHeartbeats(
  on: Queryable,
  heard: readonly Pick<Alert, "scope" | "fingerprint" | "source" | "name" | "labels" | "receivedAt">[],
): Promise<void> {
  const latest = [...new Map(heard.map((each) => [`${each.scope}\n${each.fingerprint}`, each])).values()];
  if (latest.length === 0) return;
  await on.query(
    `INSERT INTO heartbeats AS h (scope, fingerprint, source, name, labels, first_at, seen_at)
     SELECT scope, fingerprint, source, name, labels, "receivedAt", "receivedAt"
       FROM jsonb_to_recordset($1::jsonb) AS t (scope text, fingerprint text, source text, name text, labels jsonb, "receivedAt" timestamptz)
     ON CONFLICT (scope, fingerprint) DO UPDATE SET source = EXCLUDED.source, seen_at = greatest(h.seen_at, EXCLUDED.seen_at)`,
    [jsonText(latest)],
  );
}

/** Every source that was ever heard, the longest silent first. */
export async function listHeartbeats(on: Queryable): Promise<readonly Heartbeat[]> {
  const { rows } = await on.query<Heartbeat>(
    `SELECT scope, fingerprint, source, name, labels, first_at AS "firstAt", seen_at AS "seenAt" FROM heartbeats ORDER BY seen_at, scope, fingerprint
      LIMIT 1000`,
  );
  return rows;
}

/** Forgets a source that is gone for good. @returns whether it was known */
export async function forgetHeartbeat(on: Queryable, scope: string, fingerprint: string): Promise<boolean> {
  const { rowCount } = await on.query("DELETE FROM heartbeats WHERE scope = $1 AND fingerprint = $2", [scope, fingerprint]);
  return rowCount > 0;
}
