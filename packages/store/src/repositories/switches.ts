import type { Queryable } from "@tocsin/runtime";

/** Stops all automation while it is on. */
export const RED_BUTTON = "red-button";
/** On while incidents open faster than people can look at them; thrown by the correlator. */
export const STORM_MODE = "storm";

export interface Switch {
  readonly name: string;
  readonly isOn: boolean;
  readonly reason: string;
  readonly changedBy: string;
  /** Absent when it was never thrown. */
  readonly changedAt?: string;
}

/** A switch that was never thrown is off. */
export async function getSwitch(sql: Queryable, name: string): Promise<Switch> {
  const { rows } = await sql.query<{ is_on: boolean; reason: string; changed_by: string; changed_at: string }>(
    "SELECT is_on, reason, changed_by, changed_at FROM switches WHERE name = $1",
    [name],
  );
  const row = rows[0];
  if (!row) return { name, isOn: false, reason: "", changedBy: "" };
  return { name, isOn: row.is_on, reason: row.reason, changedBy: row.changed_by, changedAt: row.changed_at };
}

/** @returns the switch as it is now, and whether this call changed its position */
export async function setSwitch(
  sql: Queryable,
  change: { name: string; isOn: boolean; reason: string; changedBy: string },
): Promise<Switch & { changed: boolean }> {
  // The subquery reads the row as it was before the statement; a concurrent change is waited for by ON CONFLICT.
  const { rows } = await sql.query<{ changed_at: string; was_on: boolean | null }>(
    `INSERT INTO switches (name, is_on, reason, changed_by) VALUES ($1, $2, $3, $4)
     ON CONFLICT (name) DO UPDATE SET is_on = excluded.is_on, reason = excluded.reason, changed_by = excluded.changed_by, changed_at = now()
     RETURNING changed_at, (SELECT is_on FROM switches WHERE name = $1) AS was_on`,
    [change.name, change.isOn, change.reason, change.changedBy],
  );
  const row = rows[0] as { changed_at: string; was_on: boolean | null };
  return { ...change, changedAt: row.changed_at, changed: (row.was_on ?? false) !== change.isOn };
}
