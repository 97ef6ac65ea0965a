// Terms. A *member* is one subscription of a group, in whatever process. A *claim* gives one partition to one member until its *lease*
// ends; the *epoch* goes up whenever a claim changes hands, and a commit under an older epoch does nothing (fencing).
import type { Topic } from "@tocsin/contracts";
import type { Queryable, Sql } from "@tocsin/runtime";
import { PARTITIONS } from "../partitioner.ts";
import { CHANNEL } from "./log.ts";

export interface MemberRow {
  readonly member: string;
  readonly topics: readonly string[];
}

export interface PartitionName {
  readonly topic: Topic;
  readonly partition: number;
}

export interface ClaimRow extends PartitionName {
  readonly epoch: number;
  readonly committed: number;
}

export const nameOf = ({ topic, partition }: PartitionName): string => `${topic}/${partition}`;

/**
 * The share of one member: partitions go round the members that subscribe to the topic, starting elsewhere for each topic so that
 * the leftovers do not all meet at the first. Every member computes the same answer from the same rows.
 */
export function shareOf(member: string, members: readonly MemberRow[], topics: readonly Topic[]): PartitionName[] {
  return topics.flatMap((topic) => {
    const readers = members
      .filter((row) => row.topics.includes(topic))
      .map((row) => row.member)
      .sort();
    const turn = [...topic].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
    return Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })).filter(
      ({ partition }) => readers[(partition + turn) % readers.length] === member,
    );
  });
}

export interface Renewal {
  /** What this member holds now, the new claims included. */
  readonly claims: readonly ClaimRow[];
  readonly share: readonly PartitionName[];
}

/**
 * Says that the member lives, prolongs the claims it holds and takes those of its share that nobody holds any more.
 *
 * One group's renewals run one after the other (advisory lock): they see each other's rows, and two of them can never wait for
 * each other's claims.
 *
 * @param held claims to keep although another member's turn has come, because a delivery is under way
 */
export async function renewMembership(
  sql: Sql,
  member: { group: string; id: string; topics: readonly Topic[]; leaseMs: number },
  held: readonly PartitionName[],
): Promise<Renewal> {
  const { group, id, topics, leaseMs } = member;
  return sql.transaction(async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('tocsin-bus/' || $1, 0))", [group]);
    const { rowCount: joined } = await tx.query(
      `INSERT INTO bus_members (consumer, member, topics, seen_until) VALUES ($1, $2, $3::text[], now() + $4::bigint * interval '1 millisecond')
       ON CONFLICT (consumer, member) DO NOTHING`,
      [group, id, topics, leaseMs],
    );
    if (joined > 0) {
      await tx.query(
        `INSERT INTO bus_claims (consumer, topic, partition, leased_until)
         SELECT $1, topic, partition, now() FROM unnest($2::text[]) AS topic, generate_series(0, $3::int - 1) AS partition
         ON CONFLICT DO NOTHING`,
        [group, topics, PARTITIONS],
      );
      await announce(tx, group);
    } else {
      await tx.query(
        "UPDATE bus_members SET seen_until = now() + $3::bigint * interval '1 millisecond' WHERE consumer = $1 AND member = $2",
        [group, id, leaseMs],
      );
    }
    await tx.query("DELETE FROM bus_members WHERE consumer = $1 AND seen_until < now()", [group]);
    const { rows: members } = await tx.query<MemberRow & Record<string, unknown>>(
      "SELECT member, topics FROM bus_members WHERE consumer = $1",
      [group],
    );
    const share = shareOf(id, members, topics);
    const wanted = [...share, ...held];
    const { rows: claims } = await tx.query<ClaimRow & Record<string, unknown>>(
      `UPDATE bus_claims SET member = $2, leased_until = now() + $5::bigint * interval '1 millisecond',
              epoch = CASE WHEN member = $2 THEN epoch ELSE epoch + 1 END
       WHERE consumer = $1 AND (topic, partition) IN (SELECT * FROM unnest($3::text[], $4::int[]))
         AND (member IS NULL OR member = $2 OR leased_until < now())
       RETURNING topic, partition, epoch, committed`,
      [group, id, wanted.map((name) => name.topic), wanted.map((name) => name.partition), leaseMs],
    );
    return { claims, share };
  });
}

/** Notes how far a partition was handled. @returns false when the claim has gone to another member meanwhile */
export async function commit(
  sql: Queryable,
  group: string,
  member: string,
  claim: PartitionName & { epoch: number },
  position: number,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    `UPDATE bus_claims SET committed = $6
     WHERE consumer = $1 AND topic = $2 AND partition = $3 AND member = $4 AND epoch = $5 AND committed <= $6`,
    [group, claim.topic, claim.partition, member, claim.epoch, position],
  );
  return rowCount > 0;
}

/** Gives claims back, so that the others need not wait for the lease to end. */
export async function release(sql: Sql, group: string, member: string, claims: readonly PartitionName[]): Promise<void> {
  if (claims.length === 0) return;
  await sql.transaction(async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('tocsin-bus/' || $1, 0))", [group]);
    await tx.query(
      `UPDATE bus_claims SET member = NULL, leased_until = now()
       WHERE consumer = $1 AND member = $2 AND (topic, partition) IN (SELECT * FROM unnest($3::text[], $4::int[]))`,
      [group, member, claims.map((claim) => claim.topic), claims.map((claim) => claim.partition)],
    );
    await announce(tx, group);
  });
}

export async function leave(sql: Sql, group: string, member: string): Promise<void> {
  await sql.transaction(async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('tocsin-bus/' || $1, 0))", [group]);
    await tx.query("UPDATE bus_claims SET member = NULL, leased_until = now() WHERE consumer = $1 AND member = $2", [group, member]);
    await tx.query("DELETE FROM bus_members WHERE consumer = $1 AND member = $2", [group, member]);
    await announce(tx, group);
  });
}

const announce = (tx: Queryable, group: string) => tx.query("SELECT pg_notify($1, 'g ' || $2)", [CHANNEL, group]);
