// The log table. Every statement of the embedded bus that touches records stands here.
import type { Topic } from "@tocsin/contracts";
import type { Queryable, Sql } from "@tocsin/runtime";
import { PARTITIONS, partitionOf } from "../partitioner.ts";
import { type StoredRecord, storable, type WireRecord } from "../wire.ts";

/** The one channel of the embedded bus. Payload: `t <topic>,…` when records were appended, `g <group>` when its members changed. */
export const CHANNEL = "tocsin_bus";
/** Most bytes of values that one read returns, however many events it may return. */
const MAX_READ_BYTES = 4_194_304;

export async function createPartitions(sql: Queryable, topics: readonly Topic[]): Promise<void> {
  await sql.query(
    `INSERT INTO bus_partitions (topic, partition)
     SELECT topic, partition FROM unnest($1::text[]) AS topic, generate_series(0, $2::int - 1) AS partition
     ON CONFLICT DO NOTHING`,
    [topics, PARTITIONS],
  );
}

/**
 * Appends records in one statement.
 *
 * A partition's row stays locked until the transaction ends, so offsets become visible in order and a reader never passes one that is yet
 * to come. `locked` takes the rows in sorted order, and each before `moved` touches it, so two publishers never wait for each other.
 * `moved` counts on from the row as it is after the lock was got, not as the statement's snapshot saw it: PostgreSQL looks at a row
 * again that was changed meanwhile.
 */
export async function append(db: Queryable, records: readonly WireRecord[]): Promise<void> {
  const slots = new Map<string, { topic: Topic; partition: number; count: number }>();
  const placed = records.map((record) => {
    const partition = partitionOf(record.key, PARTITIONS);
    const name = `${record.topic}/${partition}`;
    const slot = slots.get(name) ?? { topic: record.topic, partition, count: 0 };
    slots.set(name, slot);
    return { record, partition, index: slot.count++ };
  });
  const counts = [...slots.values()];
  const { rows } = await db.query<{ appended: number }>(
    `WITH wanted AS (SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[]) AS w(topic, partition, count)),
     locked AS MATERIALIZED (
       SELECT p.topic, p.partition, wanted.count FROM bus_partitions p JOIN wanted USING (topic, partition)
       ORDER BY p.topic, p.partition FOR UPDATE OF p
     ), moved AS (
       UPDATE bus_partitions p SET next_offset = p.next_offset + locked.count FROM locked
       WHERE p.topic = locked.topic AND p.partition = locked.partition
       RETURNING p.topic, p.partition, p.next_offset - locked.count AS first
     ), appended AS (
       INSERT INTO bus_log (topic, partition, "offset", key, headers, value)
       SELECT moved.topic, moved.partition, moved.first + r.index, r.key, r.headers::jsonb, r.value
       FROM unnest($4::text[], $5::int[], $6::bigint[], $7::text[], $8::text[], $9::text[])
         AS r(topic, partition, index, key, headers, value)
       JOIN moved ON moved.topic = r.topic AND moved.partition = r.partition
       RETURNING topic
     )
     SELECT count(*) AS appended, pg_notify($10, 't ' || string_agg(DISTINCT topic, ',')) FROM appended`,
    [
      counts.map((slot) => slot.topic),
      counts.map((slot) => slot.partition),
      counts.map((slot) => slot.count),
      placed.map(({ record }) => record.topic),
      placed.map(({ partition }) => partition),
      placed.map(({ index }) => index),
      placed.map(({ record }) => storable(record.key)),
      placed.map(({ record }) => JSON.stringify(record.headers)),
      placed.map(({ record }) => record.value),
      CHANNEL,
    ],
  );
  if (rows[0]?.appended !== records.length) throw new Error("bus_partitions lacks rows of a known topic");
}

/** How far one of a member's partitions has been written. */
export interface Head {
  readonly topic: Topic;
  readonly partition: number;
  readonly epoch: number;
  /** The offset that the next append will get. */
  readonly end: number;
}

/** What the member holds, and where each partition ends. */
export async function headsOf(sql: Queryable, group: string, member: string): Promise<Head[]> {
  const { rows } = await sql.query<Head & Record<string, unknown>>(
    `SELECT c.topic, c.partition, c.epoch, p.next_offset AS end
     FROM bus_claims c JOIN bus_partitions p USING (topic, partition) WHERE c.consumer = $1 AND c.member = $2`,
    [group, member],
  );
  return rows;
}

/** Reads on in one partition: at most `limit` records and about {@link MAX_READ_BYTES}, but always one when there is one. */
export async function readFrom(sql: Queryable, topic: Topic, partition: number, position: number, limit: number): Promise<StoredRecord[]> {
  const { rows } = await sql.query<StoredRecord & Record<string, unknown>>(
    `SELECT "offset", headers, value FROM (
       SELECT "offset", headers, value, sum(octet_length(value)) OVER (ORDER BY "offset") - octet_length(value) AS bytes_before
       FROM (SELECT "offset", headers, value FROM bus_log
             WHERE topic = $1 AND partition = $2 AND "offset" >= $3 ORDER BY "offset" LIMIT $4) AS first
     ) AS sized WHERE bytes_before < $5 ORDER BY "offset"`,
    [topic, partition, position, limit, MAX_READ_BYTES],
  );
  return rows;
}

/** Events that a group has yet to handle, over the topics it has ever subscribed to. */
export async function lagOf(sql: Queryable, group: string): Promise<number> {
  const { rows } = await sql.query<{ lag: number }>(
    `SELECT coalesce(sum(p.next_offset - greatest(c.committed, coalesce(
       (SELECT min(l."offset") FROM bus_log l WHERE l.topic = p.topic AND l.partition = p.partition), p.next_offset))), 0)::bigint AS lag
     FROM bus_claims c JOIN bus_partitions p USING (topic, partition) WHERE c.consumer = $1`,
    [group],
  );
  return rows[0]?.lag ?? 0;
}

export interface Retention {
  /** Records older than this go once every group has handled them, in milliseconds. Default 7 days. */
  readonly recordsMs: number;
  /** A group without a member for this long is forgotten, in milliseconds. Default 30 days. */
  readonly idleGroupsMs: number;
}

export const DEFAULT_RETENTION: Retention = { recordsMs: 7 * 86_400_000, idleGroupsMs: 30 * 86_400_000 };

/** Deletes what is old and handled by every known group, some thousand rows at a time so that no lock lasts. @returns rows deleted */
export async function prune(sql: Sql, retention: Retention): Promise<number> {
  await sql.query("DELETE FROM bus_claims WHERE leased_until < now() - $1::bigint * interval '1 millisecond'", [retention.idleGroupsMs]);
  for (let total = 0; ; ) {
    const { rowCount } = await sql.query(
      `DELETE FROM bus_log WHERE (topic, partition, "offset") IN (
         SELECT l.topic, l.partition, l."offset" FROM bus_log l
         WHERE l.published_at < now() - $1::bigint * interval '1 millisecond'
           AND NOT EXISTS (SELECT 1 FROM bus_claims c
                           WHERE c.topic = l.topic AND c.partition = l.partition AND c.committed <= l."offset")
         ORDER BY l.published_at LIMIT 5000)`,
      [retention.recordsMs],
    );
    total += rowCount;
    if (rowCount < 5_000) return total;
  }
}
