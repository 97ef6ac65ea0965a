// Letters of the dead letter topic as the console keeps them.
import type { DeadLetter } from "@tocsin/contracts";
import type { Queryable } from "@tocsin/runtime";
import { jsonText } from "../values.ts";
import type { ListPosition, Page } from "./incident-views.ts";

export interface DeadLetterEntry extends Omit<DeadLetter, "text"> {
  readonly id: string;
  readonly reason: string;
  readonly state: "held" | "replayed" | "dropped";
  readonly decidedBy?: string;
  readonly decidedAt?: string;
}

const COLUMNS = `id, at, code, reason, origin, headers, value, state, decided_by AS "decidedBy", decided_at AS "decidedAt"`;
const present = (row: DeadLetterEntry): DeadLetterEntry =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as unknown as DeadLetterEntry;

/** Keeps a letter; the same one again is nothing new. */
export async function keepDeadLetter(tx: Queryable, id: string, letter: DeadLetter): Promise<void> {
  await tx.query(
    `INSERT INTO dead_letters (id, at, code, reason, origin, headers, value) VALUES ($1, $2, $3, $4, $5::jsonb, $6::jsonb, $7)
     ON CONFLICT (id) DO NOTHING`,
    [id, letter.at, letter.code, letter.text, jsonText(letter.origin), jsonText(letter.headers), letter.value],
  );
}

/** The newest first. */
export async function listDeadLetters(
  on: Queryable,
  filter: { readonly state?: string; readonly after?: ListPosition; readonly limit: number },
): Promise<Page<DeadLetterEntry>> {
  const { state, after, limit } = filter;
  const { rows } = await on.query<DeadLetterEntry>(
    `SELECT ${COLUMNS} FROM dead_letters
      WHERE ($1::text IS NULL OR state = $1) AND ($2::timestamptz IS NULL OR (at, id) < ($2, $3))
      ORDER BY at DESC, id DESC LIMIT $4`,
    [state ?? null, after?.at ?? null, after?.id ?? null, limit + 1],
  );
  const items = rows.slice(0, limit).map(present);
  const last = items.at(-1);
  return rows.length > limit && last !== undefined ? { items, next: { at: last.at, id: last.id } } : { items };
}

/** Locks the letter until the transaction ends. */
export async function takeDeadLetter(tx: Queryable, id: string): Promise<DeadLetterEntry | undefined> {
  const { rows } = await tx.query<DeadLetterEntry>(`SELECT ${COLUMNS} FROM dead_letters WHERE id = $1 FOR UPDATE`, [id]);
  return rows[0] && present(rows[0]);
}

export async function decideDeadLetter(
  tx: Queryable,
  id: string,
  decision: { readonly state: "replayed" | "dropped"; readonly by: string; readonly at: string },
): Promise<void> {
  await tx.query("UPDATE dead_letters SET state = $2, decided_by = $3, decided_at = $4 WHERE id = $1", [
    id,
    decision.state,
    decision.by,
    decision.at,
  ]);
}
