// What people or machines changed: suspects of an investigation.
import type { Change } from "@tocsin/contracts";
import type { Queryable } from "@tocsin/runtime";
import { jsonText } from "../values.ts";

/** Records changes; one that is known by its id already is left as it is. @returns how many are new */
export async function insertChanges(on: Queryable, changes: readonly Change[]): Promise<number> {
  if (changes.length === 0) return 0;
  const { rowCount } = await on.query(
    `INSERT INTO changes (id, at, service, body)
     SELECT e->>'id', (e->>'at')::timestamptz, e->>'service', e FROM jsonb_array_elements($1::jsonb) AS e
     ON CONFLICT (id) DO NOTHING`,
    [jsonText(changes)],
  );
  return rowCount;
}

/** Changes in a window, the latest first. Times are RFC 3339, both ends inclusive. */
export async function changesBetween(on: Queryable, from: string, to: string, limit = 500): Promise<readonly Change[]> {
  const { rows } = await on.query<{ body: Change }>(
    "SELECT body FROM changes WHERE at BETWEEN $1 AND $2 ORDER BY at DESC, id DESC LIMIT $3",
    [from, to, limit],
  );
  return rows.map(({ body }) => body);
}
