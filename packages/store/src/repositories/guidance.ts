// Plain runbooks that a person follows for an incident: which, how far, who ticked what and when.
import { isoTime, type Queryable } from "@tocsin/runtime";
import { jsonText } from "../values.ts";

export interface NewGuidance {
  readonly incidentId: string;
  /** The runbook's id. */
  readonly guidance: string;
  readonly title: string;
  readonly path: string;
  readonly digest: string;
  readonly steps: readonly { readonly section: string; readonly text: string }[];
  readonly by: string;
}

export interface GuidanceRow extends NewGuidance {
  readonly at: string;
  readonly ticks: readonly { readonly position: number; readonly by: string; readonly at: string; readonly note: string }[];
}

/** @returns false when the incident has it already: it stays as it was begun */
export async function insertGuidance(tx: Queryable, row: NewGuidance, nowMs: number): Promise<boolean> {
  const { rowCount } = await tx.query(
    `INSERT INTO incident_guidance (incident_id, guidance, title, path, digest, steps, by_whom, at)
     VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8) ON CONFLICT DO NOTHING`,
    [row.incidentId, row.guidance, row.title, row.path, row.digest, jsonText(row.steps), row.by, isoTime(nowMs)],
  );
  return rowCount > 0;
}

/** What is followed for an incident, in the order in which it was begun. */
export async function guidanceOf(on: Queryable, incidentId: string): Promise<readonly GuidanceRow[]> {
  const { rows } = await on.query<Omit<GuidanceRow, "ticks">>(
    `SELECT incident_id AS "incidentId", guidance, title, path, digest, steps, by_whom AS by, at FROM incident_guidance
     WHERE incident_id = $1 ORDER BY at, guidance`,
    [incidentId],
  );
  const { rows: ticks } = await on.query<{ guidance: string } & GuidanceRow["ticks"][number]>(
    "SELECT guidance, position, by_whom AS by, at, note FROM guidance_ticks WHERE incident_id = $1 ORDER BY position",
    [incidentId],
  );
  return rows.map((row) => ({
    ...row,
    ticks: ticks.filter((tick) => tick.guidance === row.guidance).map(({ guidance: _, ...tick }) => tick),
  }));
}

/** Ticks a step off, or takes its tick away. @returns false when it was so already */
export async function tickGuidance(
  tx: Queryable,
  tick: {
    readonly incidentId: string;
    readonly guidance: string;
    readonly position: number;
    readonly done: boolean;
    readonly by: string;
    readonly note: string;
  },
  nowMs: number,
): Promise<boolean> {
  const key = [tick.incidentId, tick.guidance, tick.position];
  const { rowCount } = tick.done
    ? await tx.query(
        `INSERT INTO guidance_ticks (incident_id, guidance, position, by_whom, at, note) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING`,
        [...key, tick.by, isoTime(nowMs), tick.note],
      )
    : await tx.query("DELETE FROM guidance_ticks WHERE incident_id = $1 AND guidance = $2 AND position = $3", key);
  return rowCount > 0;
}
