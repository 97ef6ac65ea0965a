import { TOPICS } from "@tocsin/contracts";
import { AppError, backoffMs, type Clock, createWakeup, type Logger, newId, type Sql } from "@tocsin/runtime";
import { deadLetterOf } from "../dead-letter.ts";
import { deliver } from "../deliver.ts";
import { busClaimLost, busStopping } from "../errors.ts";
import type { SubscribeOptions, Subscription } from "../event-bus.ts";
import type { BusMetrics } from "../metrics.ts";
import { advance, afterFailure, deliverySize, type PartitionProgress, startAt } from "../partition-progress.ts";
import { PARTITIONS } from "../partitioner.ts";
import { decodeRun, encode, type StoredRecord } from "../wire.ts";
import { append, headsOf, readFrom } from "./log.ts";
import { type ClaimRow, commit, leave, nameOf, type PartitionName, release, renewMembership } from "./membership.ts";

export interface ConsumerSettings {
  /** How long a silent member keeps its claims, in milliseconds. */
  readonly leaseMs: number;
  /** How long to sleep when nobody rings, in milliseconds. */
  readonly safetyPollMs: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
}

export interface EmbeddedConsumer extends Subscription {
  readonly group: string;
  /** Joins the group and starts to read. To be called once, after notices are routed here: none may be missed. */
  start(): Promise<void>;
  /** Records were appended to the topics. */
  onAppended(topics: readonly string[]): void;
  /** A member of the group came or went. */
  onMembersChanged(): void;
}

interface Held extends PartitionName {
  readonly epoch: number;
  readonly abort: AbortController;
  progress: PartitionProgress;
  /** The offset that the next append will get, as far as we know. */
  end: number;
  /** `performance.now()` before which nothing is delivered from here. */
  notBefore: number;
  busy: boolean;
}

/** One member of a consumer group: holds claims, reads them one delivery at a time, the most urgent topic first. */
export function createConsumer(
  { sql, log, clock, metrics, settings }: { sql: Sql; log: Logger; clock: Clock; metrics: BusMetrics; settings: ConsumerSettings },
  options: SubscribeOptions,
): EmbeddedConsumer {
  const { group, topics, handle, maxBatch = 200, maxAttempts = 5 } = options;
  const member = newId("member");
  const wakeup = createWakeup(clock);
  const held = new Map<string, Held>();
  let share = new Set<string>();
  let leaseEndsAt = 0;
  let turn = 0;
  /** Besides being woken: ends may be out of date. */
  let mustLook = true;
  let paused = false;
  let stopping = false;

  function drop(claim: Held, reason: string): void {
    held.delete(nameOf(claim));
    claim.abort.abort(busClaimLost(nameOf(claim), reason));
  }

  function adopt(rows: readonly ClaimRow[]): void {
    const names = new Set(rows.map(nameOf));
    for (const claim of [...held.values()]) if (!names.has(nameOf(claim))) drop(claim, "taken by another member");
    for (const row of rows) {
      const claim = held.get(nameOf(row));
      if (claim?.epoch === row.epoch) continue;
      if (claim) drop(claim, "held by another member meanwhile");
      const { topic, partition, epoch } = row;
      held.set(nameOf(row), {
        topic,
        partition,
        epoch,
        abort: new AbortController(),
        progress: startAt(row.committed),
        end: row.committed,
        notBefore: 0,
        busy: false,
      });
    }
  }

  async function renew(): Promise<void> {
    const askedAt = performance.now();
    const renewal = await renewMembership(sql, { group, id: member, topics, leaseMs: settings.leaseMs }, [...held.values()]);
    leaseEndsAt = askedAt + settings.leaseMs;
    share = new Set(renewal.share.map(nameOf));
    adopt(renewal.claims);
    // What another member waits for goes now; a partition with a delivery under way goes when that is over.
    const foreign = [...held.values()].filter((claim) => !claim.busy && !share.has(nameOf(claim)));
    for (const claim of foreign) drop(claim, "given to another member");
    wakeup.wake();
    await release(sql, group, member, foreign);
  }

  let renewing: Promise<void> | undefined;
  let renewAgain = false;
  /** One renewal at a time; calls that come meanwhile are answered by one more. Never throws. */
  function keepMembership(): Promise<void> {
    if (renewing !== undefined) {
      renewAgain = true;
      return renewing;
    }
    renewing = (async () => {
      do {
        renewAgain = false;
        try {
          await renew();
        } catch (err) {
          log.warn({ err, group }, "bus membership not renewed");
          if (performance.now() >= leaseEndsAt)
            for (const claim of [...held.values()]) drop(claim, "lease ended before it could be renewed");
        }
      } while (renewAgain && !stopping);
      renewing = undefined;
    })();
    return renewing;
  }

  /** The partition to read now: topics in the order given, the partitions of a topic in turn. */
  function mostUrgent(): Held | undefined {
    const now = performance.now();
    turn = (turn + 1) % PARTITIONS;
    const rank = (claim: Held) => topics.indexOf(claim.topic) * PARTITIONS + ((claim.partition + turn) % PARTITIONS);
    const readable = [...held.values()].filter((claim) => claim.end > claim.progress.position && claim.notBefore <= now);
    return readable.sort((a, b) => rank(a) - rank(b))[0];
  }

  /** Learns where the partitions end. */
  async function look(): Promise<void> {
    for (const head of await headsOf(sql, group, member)) {
      const claim = held.get(nameOf(head));
      if (claim?.epoch === head.epoch) claim.end = head.end;
    }
  }

  const delayUntilNextRetry = (): number => {
    const now = performance.now();
    const waits = [...held.values()].filter((claim) => claim.notBefore > now).map((claim) => claim.notBefore - now);
    return Math.min(settings.safetyPollMs, ...waits);
  };

  const backoff = (attempt: number) => backoffMs(attempt, settings.backoffBaseMs, settings.backoffMaxMs);

  /** The effect is done: note it, for as long as the claim is ours. */
  async function commitUntilDone(claim: Held, position: number): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        if (await commit(sql, group, member, claim, position)) claim.progress = advance(claim.progress, position);
        else drop(claim, "taken by another member");
        return;
      } catch (err) {
        log.warn({ err, group, topic: claim.topic, partition: claim.partition, position, attempt }, "bus commit failed");
        if (claim.abort.signal.aborted) return;
        await clock.sleep(backoff(attempt), claim.abort.signal).catch(() => undefined);
      }
    }
  }

  async function sendAway(claim: Held, record: StoredRecord, error: unknown): Promise<void> {
    const origin = { topic: claim.topic, partition: claim.partition, group };
    const code = AppError.is(error) ? error.code : "BUS_HANDLER_FAILED";
    const isDeadLetter = claim.topic === TOPICS.deadLetter;
    await sql.transaction(async (tx) => {
      // A dead letter that cannot be handled either stays where it is: sending it on would go round for ever.
      if (!isDeadLetter) await append(tx, [encode(deadLetterOf(origin, record, error, clock.now()))]);
      if (!(await commit(tx, group, member, claim, record.offset + 1))) throw busClaimLost(nameOf(claim), "taken by another member");
    });
    claim.progress = advance(claim.progress, record.offset + 1);
    metrics.deadLettered(group, claim.topic, code);
    log.error({ err: error, ...origin, offset: record.offset }, "event sent to dead letters");
  }

  async function work(claim: Held, records: readonly StoredRecord[]): Promise<void> {
    if (records.length === 0) {
      // Pruned before this group has ever read it.
      claim.progress = advance(claim.progress, claim.end);
      return;
    }
    const offsets = records.map((record) => record.offset);
    const { events, bad } = decodeRun(records.slice(0, deliverySize(claim.progress, offsets, maxBatch)));
    if (events.length === 0 && bad) return sendAway(claim, bad.record, bad.error);
    const delivered = offsets.slice(0, events.length);
    const startedAt = performance.now();
    const seconds = () => (performance.now() - startedAt) / 1_000;
    const { topic, partition } = claim;
    try {
      await deliver(group, { topic, partition, events, signal: claim.abort.signal }, handle);
    } catch (error) {
      if (claim.abort.signal.aborted) return;
      metrics.delivered(group, topic, "failed", events.length, seconds());
      const failure = afterFailure(claim.progress, delivered, (error as { retryable?: unknown } | null)?.retryable === true, maxAttempts);
      if (failure.kind === "give-up") return sendAway(claim, records[0] as StoredRecord, error);
      claim.progress = failure.progress;
      const delayMs = backoff(claim.progress.failures);
      claim.notBefore = performance.now() + delayMs;
      log.warn(
        { err: error, group, topic, partition, offset: delivered[0], events: events.length, attempt: claim.progress.failures, delayMs },
        "delivery failed",
      );
      return;
    }
    metrics.delivered(group, topic, "handled", events.length, seconds());
    await commitUntilDone(claim, (delivered.at(-1) as number) + 1);
  }

  /** @returns was there something to do? */
  async function step(): Promise<boolean> {
    if (performance.now() >= leaseEndsAt) {
      // The process slept or the database was away: first learn what is still ours.
      await keepMembership();
      if (performance.now() >= leaseEndsAt) return false;
    }
    if (wakeup.wasWoken() || mustLook) {
      await look();
      mustLook = false;
    }
    const claim = mostUrgent();
    if (!claim) return false;
    const records = await readFrom(sql, claim.topic, claim.partition, claim.progress.position, maxBatch);
    if (stopping || paused || performance.now() >= leaseEndsAt || held.get(nameOf(claim)) !== claim) return true;
    claim.busy = true;
    try {
      await work(claim, records);
    } catch (error) {
      if (AppError.is(error, "BUS_CLAIM_LOST")) drop(claim, "taken by another member");
      claim.notBefore = performance.now() + backoff(1);
      throw error;
    } finally {
      claim.busy = false;
    }
    if (!share.has(nameOf(claim)) && held.get(nameOf(claim)) === claim) {
      drop(claim, "given to another member");
      await release(sql, group, member, [claim]);
    }
    return true;
  }

  async function loop(): Promise<void> {
    let errors = 0;
    while (!stopping) {
      if (paused) {
        await wakeup.sleep(settings.safetyPollMs);
        continue;
      }
      try {
        if (!(await step())) {
          await wakeup.sleep(delayUntilNextRetry());
          mustLook = true;
        }
        errors = 0;
      } catch (err) {
        if (stopping) return;
        errors += 1;
        mustLook = true;
        log.warn({ err, group, attempt: errors }, "bus read failed");
        await clock.sleep(backoff(errors));
      }
    }
  }

  let renewals: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;
  async function stopOnce(): Promise<void> {
    stopping = true;
    wakeup.wake();
    for (const claim of held.values()) claim.abort.abort(busStopping());
    await running;
    clearInterval(renewals);
    await renewing;
    await leave(sql, group, member).catch((err: unknown) => log.warn({ err, group }, "bus member left without a word"));
  }

  return {
    group,
    async start() {
      await renew();
      renewals = setInterval(() => void keepMembership(), settings.leaseMs / 3);
      running = loop();
    },
    onAppended(names) {
      if (topics.some((topic) => names.includes(topic))) wakeup.wake();
    },
    onMembersChanged() {
      if (!stopping) void keepMembership();
    },
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
      wakeup.wake();
    },
    stop() {
      stopped ??= stopOnce();
      return stopped;
    },
  };
}
