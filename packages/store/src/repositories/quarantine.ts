// What was acknowledged and could not be understood, with its raw bytes. The same bytes from the same source are held once and
// counted, so that a sender that repeats itself every five minutes fills nothing.
import type { Queryable } from "@tocsin/runtime";
import { jsonText } from "../values.ts";

export type QuarantineState = "held" | "replayed" | "dropped";

export interface NewQuarantineEntry {
  readonly id: string;
  readonly source: string;
  readonly receivedAt: string;
  readonly code: string;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** `sha256:` over the body. */
  readonly bodyDigest: string;
}

export interface QuarantineEntry {
  readonly id: string;
  readonly source: string;
  readonly receivedAt: string;
  readonly code: string;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
  /** In bytes. */
  readonly size: number;
  /** How often the same bytes came while they were held. */
  readonly times: number;
  readonly state: QuarantineState;
  readonly decidedAt: string | null;
}

/** Most bytes of bodies in one statement: base64 and JSON make four times as much of it in the database's memory. */
const CHUNK_BYTES = 1024 * 1024;

/** Keeps the entries; what is held already is counted once more. Call it in a transaction when all or none are to be kept. */
export async function insertQuarantined(on: Queryable, entries: readonly NewQuarantineEntry[]): Promise<void> {
  const byBody = new Map<string, { entry: NewQuarantineEntry; times: number }>();
  for (const entry of entries) {
    const key = `${entry.source}\n${entry.bodyDigest}`;
    const known = byBody.get(key);
    // One statement may not touch a row twice, so equal bodies are counted here.
    if (known) known.times++;
    else byBody.set(key, { entry, times: 1 });
  }
  for (const chunk of chunks([...byBody.values()])) {
    await on.query(
      `INSERT INTO quarantine (id, source, received_at, code, reason, headers, body, body_digest, times)
       SELECT e->>'id', e->>'source', (e->>'receivedAt')::timestamptz, e->>'code', e->>'reason', e->'headers', decode(e->>'body', 'base64'),
              e->>'bodyDigest', (e->>'times')::integer
       FROM jsonb_array_elements($1::jsonb) AS e
       ON CONFLICT (source, body_digest) WHERE state = 'held'
       DO UPDATE SET times = quarantine.times + EXCLUDED.times, received_at = EXCLUDED.received_at, code = EXCLUDED.code, reason = EXCLUDED.reason`,
      [
        jsonText(
          chunk.map(({ entry, times }) => {
            const { buffer, byteOffset, byteLength } = entry.body;
            return { ...entry, body: Buffer.from(buffer, byteOffset, byteLength).toString("base64"), times };
          }),
        ),
      ],
    );
  }
}

function chunks<T extends { entry: NewQuarantineEntry }>(items: readonly T[]): T[][] {
  const all: T[][] = [];
  let bytes = 0;
  for (const item of items) {
    bytes += item.entry.body.byteLength;
    if (all.length === 0 || bytes > CHUNK_BYTES) {
      all.push([]);
      bytes = item.entry.body.byteLength;
    }
    all.at(-1)?.push(item);
  }
  return all;
}

const COLUMNS = `id, source, received_at AS "receivedAt", code, reason, headers, octet_length(body) AS size, times, state, decided_at AS "decidedAt"`;

/**
 * Entries, the latest first.
 *
 * @param before the entry to go on after, as a list gave it
 */
export async function listQuarantined(
  on: Queryable,
  options: { state?: QuarantineState; source?: string; limit: number; before?: { receivedAt: string; id: string } },
): Promise<readonly QuarantineEntry[]> {
  const { rows } = await on.query<QuarantineEntry>(
    `SELECT ${COLUMNS} FROM quarantine
     WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR source = $2)
       AND ($3::timestamptz IS NULL OR (date_trunc('milliseconds', received_at), id) < ($3::timestamptz, $4::text))
     ORDER BY date_trunc('milliseconds', received_at) DESC, id DESC LIMIT $5`,
    [options.state ?? null, options.source ?? null, options.before?.receivedAt ?? null, options.before?.id ?? null, options.limit],
  );
  return rows;
}

export async function findQuarantined(on: Queryable, id: string): Promise<(QuarantineEntry & { readonly body: Uint8Array }) | undefined> {
  const { rows } = await on.query<QuarantineEntry & { body: Uint8Array }>(`SELECT ${COLUMNS}, body FROM quarantine WHERE id = $1`, [id]);
  return rows[0];
}

/** Ends the holding of an entry. @returns false when somebody has decided on it already */
export async function decideQuarantined(on: Queryable, id: string, state: Exclude<QuarantineState, "held">): Promise<boolean> {
  const { rowCount } = await on.query("UPDATE quarantine SET state = $2, decided_at = now() WHERE id = $1 AND state = 'held'", [id, state]);
  return rowCount > 0;
}

/** How many entries are held, by source. */
export async function countQuarantined(on: Queryable): Promise<ReadonlyMap<string, number>> {
  const { rows } = await on.query<{ source: string; held: number }>(
    "SELECT source, count(*) AS held FROM quarantine WHERE state = 'held' GROUP BY source",
  );
  return new Map(rows.map(({ source, held }) => [source, held]));
}
