// Terms. The *journal* tells what was decided and done, before it is done. It is append-only and *chained*: each entry's hash covers the
// entry and the hash before it, so that a change, a removal or an insertion anywhere breaks the chain from there on. A chain alone does not
// stop somebody who rewrites all of it, nor who cuts its end off: keep a *head* elsewhere and pass it to the check.
import { createHash } from "node:crypto";
import { canonicalJson, type Queryable } from "@tocsin/runtime";
import { jsonText } from "../values.ts";

/** Serialises appending, so that `seq` has no gaps and each entry knows the one before it. */
const JOURNAL_LOCK = 7_402;
/** What the first entry names as the hash before it. */
export const JOURNAL_GENESIS = "0".repeat(64);
const PAGE = 1_000;

export interface JournalEntry {
  /** RFC 3339; kept to the millisecond. */
  readonly at: string;
  /** Who: `module:executor`, `person:alice`. */
  readonly actor: string;
  /** What, e.g. `step.started`. */
  readonly action: string;
  /** On what: a run, an incident, a switch. */
  readonly subject: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface JournalHead {
  readonly seq: number;
  /** 64 hex digits. */
  readonly hash: string;
}

export interface JournalRow extends JournalEntry, JournalHead {
  readonly prevHash: string;
}

/**
 * Appends in the caller's transaction; nobody else can append until it ends, so call it late and keep the transaction short.
 * @returns the new head of the chain
 */
export async function appendJournal(tx: Queryable, entry: JournalEntry): Promise<JournalHead> {
  await tx.query("SELECT pg_advisory_xact_lock($1)", [JOURNAL_LOCK]);
  const previous = await journalHead(tx);
  const seq = previous.seq + 1;
  // Hashed as it will be read back: times to the millisecond, members with `undefined` gone, text that jsonb takes.
  const [kept] = JSON.parse(jsonText([entry])) as [JournalEntry];
  const at = new Date(entry.at).toISOString();
  const { actor, action, subject, body } = kept;
  const hash = hashOf(previous.hash, { seq, at, actor, action, subject, body });
  await tx.query(
    "INSERT INTO journal (seq, at, actor, action, subject, body, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8)",
    [seq, at, actor, action, subject, JSON.stringify(body), previous.hash, hash],
  );
  return { seq, hash };
}

const hashOf = (prevHash: string, entry: JournalEntry & { seq: number }): string =>
  createHash("sha256").update(prevHash).update(canonicalJson(entry)).digest("hex");

/** A page of the journal in order of `seq`. */
export async function readJournal(sql: Queryable, query: { afterSeq: number; subject?: string; limit: number }): Promise<JournalRow[]> {
  const { rows } = await sql.query<JournalEntry & JournalHead & { prev_hash: string }>(
    `SELECT seq, at, actor, action, subject, body, prev_hash, hash FROM journal
     WHERE seq > $1 AND ($2::text IS NULL OR subject = $2) ORDER BY seq LIMIT $3`,
    [query.afterSeq, query.subject, Math.max(1, Math.min(query.limit, PAGE))],
  );
  return rows.map(({ prev_hash: prevHash, ...row }) => ({ ...row, prevHash }));
}

/** The last entry's place and hash; of an empty journal, its genesis. */
export async function journalHead(on: Queryable): Promise<JournalHead> {
  const { rows } = await on.query<JournalHead>("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1");
  return rows[0] ?? { seq: 0, hash: JOURNAL_GENESIS };
}

export type JournalVerdict =
  | { readonly kind: "intact"; readonly head: JournalHead }
  /** `seq` is the first place that does not hold. */
  | { readonly kind: "broken"; readonly seq: number; readonly problem: "missing" | "changed" | "relinked"; readonly text: string };

/**
 * Walks the whole chain.
 * @param known heads that were kept elsewhere: the chain must still hold each, which also shows a cut end and a chain written anew
 */
export async function verifyJournal(sql: Queryable, ...known: readonly JournalHead[]): Promise<JournalVerdict> {
  const hashes = Map.groupBy(known, ({ seq }) => seq);
  let head: JournalHead = { seq: 0, hash: JOURNAL_GENESIS };
  const broken = (seq: number, problem: "missing" | "changed" | "relinked", text: string): JournalVerdict => ({
    kind: "broken",
    seq,
    problem,
    text,
  });
  for (;;) {
    const page = await readJournal(sql, { afterSeq: head.seq, limit: PAGE });
    for (const { hash, prevHash, ...entry } of page) {
      const expected = head.seq + 1;
      if (entry.seq !== expected) return broken(expected, "missing", `entry ${expected} is not there; the next is ${entry.seq}`);
      if (prevHash !== head.hash) return broken(entry.seq, "relinked", `entry ${entry.seq} does not follow from the one before it`);
      if (hash !== hashOf(prevHash, entry)) return broken(entry.seq, "changed", `entry ${entry.seq} is not what was written`);
      if (hashes.get(entry.seq)?.some((head) => head.hash !== hash))
        return broken(entry.seq, "changed", `entry ${entry.seq} is not the one that was known`);
      head = { seq: entry.seq, hash };
    }
    if (page.length < PAGE) break;
  }
  const last = known.reduce((most, { seq }) => Math.max(most, seq), 0);
  if (last > head.seq) return broken(head.seq + 1, "missing", `the journal ends at ${head.seq}; ${last} was known`);
  return { kind: "intact", head };
}
