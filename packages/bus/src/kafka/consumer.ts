import { TOPICS, type Topic } from "@tocsin/contracts";
import { AppError, backoffMs, type Clock, type Logger, retry } from "@tocsin/runtime";
import type { Consumer, ConsumerCrashEvent, ConsumerGroupJoinEvent, EachBatchPayload, Kafka, KafkaMessage } from "kafkajs";
import { deadLetterOf } from "../dead-letter.ts";
import { deliver } from "../deliver.ts";
import { busClaimLost, busConsumerStalled, busStopping } from "../errors.ts";
import type { SubscribeOptions, Subscription } from "../event-bus.ts";
import type { BusMetrics } from "../metrics.ts";
import { advance, afterFailure, deliverySize, type PartitionProgress, startAt } from "../partition-progress.ts";
import { decodeRun, encode, type StoredRecord } from "../wire.ts";
import { type AskAdmin, isFenced, isRebalance, RETRY, rootOf, translate } from "./client.ts";
import { createHeartbeats } from "./heartbeats.ts";
import type { KafkaProducer } from "./producer.ts";
import { storedRecord } from "./stored-record.ts";
import type { KafkaTopics } from "./topics.ts";
import { createTurns } from "./turns.ts";
import { createRebuildPolicy, startWatchdog } from "./watchdog.ts";

export interface KafkaConsumerSettings {
  /** How long a silent member keeps its partitions, in milliseconds. */
  readonly sessionTimeoutMs: number;
  /** How long a delivery under way may hold up a rebalance, in milliseconds. */
  readonly rebalanceTimeoutMs: number;
  /** A group that is behind and has not moved for this long is stuck, in milliseconds. */
  readonly stallMs: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
}

export interface KafkaConsumerDeps {
  readonly kafka: Kafka;
  readonly admin: AskAdmin;
  readonly topics: KafkaTopics;
  readonly producer: KafkaProducer;
  readonly groupId: string;
  readonly lag: () => Promise<number>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics: BusMetrics;
  readonly settings: KafkaConsumerSettings;
  readonly onFatal: (error: unknown) => void;
}

export interface KafkaSubscription extends Subscription {
  /**
   * Joins the group. When the brokers are away for longer than `patienceMs` it goes on trying behind the scenes.
   * @returns has it joined?
   * @throws AppError what will not get better by itself
   */
  start(patienceMs: number): Promise<boolean>;
}

interface PartitionState {
  progress: PartitionProgress;
  /** `performance.now()` before which nothing is delivered from here. */
  notBefore: number;
}

/** One member of a consumer group. Commits by hand after the effect; one delivery at a time, the most urgent topic first. */
export function createConsumer(deps: KafkaConsumerDeps, options: SubscribeOptions): KafkaSubscription {
  const { kafka, admin, topics, groupId, log, clock, metrics, settings } = deps;
  const { group, handle, maxBatch = 200, maxAttempts = 5 } = options;
  const names = options.topics.map(topics.nameOf);
  const turns = createTurns();
  const states = new Map<string, PartitionState>();
  const resuming = new Set<NodeJS.Timeout>();
  /** Partitions whose position this member has begun to note. */
  const noted = new Set<string>();
  const policy = createRebuildPolicy();

  let consumer: Consumer | undefined;
  /** Set when the partitions are, or are about to be, no longer ours: why. */
  let lost: Error | undefined;
  let registered: Promise<void> = Promise.resolve();
  let current: AbortController | undefined;
  let idle: Promise<void> = Promise.resolve();
  let movedAt = performance.now();
  let paused = false;
  let stopping = false;
  const { promise: untilStopped, resolve: hasStopped } = Promise.withResolvers<void>();

  const interval = Math.max(100, Math.round(settings.sessionTimeoutMs / 10));
  const heartbeats = createHeartbeats(interval, settings.sessionTimeoutMs, (error) => {
    if (error === undefined) lose(busClaimLost(group, `no heartbeat was answered for ${settings.sessionTimeoutMs} ms`));
    else if (isFenced(error)) lose(rootOf(error));
    else if (isRebalance(error)) {
      makeWay(rootOf(error));
      return true;
    }
    return false;
  });

  /** The partitions belong to others now. */
  function lose(reason: Error): void {
    lost ??= reason;
    current?.abort(busClaimLost(group, reason.message));
    turns.dismiss();
  }

  /** The group is being shared out anew: finish what is under way, start nothing. */
  function makeWay(reason: Error): void {
    if (lost) return;
    lost = reason;
    turns.dismiss();
    const delivery = current;
    const patience = setTimeout(
      () => delivery?.abort(busClaimLost(group, "the group waits for its new shares")),
      settings.rebalanceTimeoutMs / 2,
    );
    patience.unref();
  }

  const backoff = (attempt: number) => backoffMs(attempt, settings.backoffBaseMs, settings.backoffMaxMs);
  const nameOf = (topic: Topic, partition: number) => `${topic}/${partition}`;

  function waitBefore(payload: EachBatchPayload, state: PartitionState, delayMs: number): void {
    state.notBefore = performance.now() + delayMs;
    const resume = payload.pause();
    const timer = setTimeout(() => {
      resuming.delete(timer);
      if (!paused && !stopping) resume();
    }, delayMs);
    resuming.add(timer);
  }

  async function commit(topic: Topic, partition: number, position: number): Promise<void> {
    noted.add(nameOf(topic, partition)); // before it is sent: from here on no start may follow it
    try {
      await consumer?.commitOffsets([{ topic: topics.nameOf(topic), partition, offset: String(position) }]);
    } catch (error) {
      const root = rootOf(error);
      if (isFenced(root)) lose(root);
      // kafkajs hides the reason in its wrapper, and only rejoins when it sees the reason itself.
      throw root;
    }
    movedAt = performance.now();
  }

  async function sendAway(topic: Topic, partition: number, record: StoredRecord, error: unknown): Promise<void> {
    const origin = { topic, partition, group };
    // A dead letter that cannot be handled either stays where it is: sending it on would go round for ever.
    if (topic !== TOPICS.deadLetter) await deps.producer.send([encode(deadLetterOf(origin, record, error, clock.now()))]);
    metrics.deadLettered(group, topic, AppError.is(error) ? error.code : "BUS_HANDLER_FAILED");
    log.error({ err: error, ...origin, offset: record.offset }, "event sent to dead letters");
  }

  /** One delivery from the head of `messages`. @returns how many of them are done with; 0 when the partition has to wait */
  async function deliverOnce(payload: EachBatchPayload, topic: Topic, state: PartitionState, messages: KafkaMessage[]): Promise<number> {
    const { partition } = payload.batch;
    const records = messages.slice(0, maxBatch).map(storedRecord);
    const offsets = records.map((record) => record.offset);
    const { events, bad } = decodeRun(records.slice(0, deliverySize(state.progress, offsets, maxBatch)));
    let done = events.length;
    if (events.length === 0 && bad) {
      await sendAway(topic, partition, bad.record, bad.error);
      done = 1;
    } else {
      const abort = new AbortController();
      current = abort;
      const startedAt = performance.now();
      const seconds = () => (performance.now() - startedAt) / 1_000;
      try {
        await deliver(group, { topic, partition, events, signal: abort.signal }, handle);
        metrics.delivered(group, topic, "handled", events.length, seconds());
      } catch (error) {
        if (abort.signal.aborted) return 0;
        metrics.delivered(group, topic, "failed", events.length, seconds());
        const isRetryable = (error as { retryable?: unknown } | null)?.retryable === true;
        const failure = afterFailure(state.progress, offsets.slice(0, events.length), isRetryable, maxAttempts);
        if (failure.kind === "again") {
          state.progress = failure.progress;
          const attempt = failure.progress.failures;
          const delayMs = backoff(attempt);
          log.warn({ err: error, group, topic, partition, offset: offsets[0], events: events.length, attempt, delayMs }, "delivery failed");
          waitBefore(payload, state, delayMs);
          return 0;
        }
        await sendAway(topic, partition, records[0] as StoredRecord, error);
        done = 1;
      } finally {
        current = undefined;
      }
    }
    const position = (offsets[done - 1] as number) + 1;
    await commit(topic, partition, position);
    state.progress = advance(state.progress, position);
    payload.resolveOffset(String(position - 1));
    return done;
  }

  async function work(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const topic = topics.topicOf(batch.topic);
    const name = nameOf(topic, batch.partition);
    const rank = options.topics.indexOf(topic);
    const first = Number(batch.messages[0]?.offset);
    const known = states.get(name);
    // What is known of failures holds while the partition stands where it stood.
    const state =
      known && known.progress.position <= first && first - known.progress.position < 1_000
        ? known
        : { progress: startAt(first), notBefore: 0 };
    state.progress = { ...state.progress, position: first };
    states.set(name, state);
    if (state.notBefore > performance.now()) {
      waitBefore(payload, state, state.notBefore - performance.now());
      return;
    }
    await registered;
    let rest = batch.messages;
    while (rest.length > 0) {
      if (stopping || paused || lost || payload.isStale() || !payload.isRunning()) return;
      if (!(await turns.enter(name, rank))) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      idle = promise;
      try {
        if (stopping || paused || lost) return;
        const done = await deliverOnce(payload, topic, state, rest);
        if (done === 0) return;
        rest = rest.slice(done);
      } catch (error) {
        if (!isRebalance(error) && !isFenced(error)) {
          log.warn({ err: error, group, topic, partition: batch.partition }, "bus progress not noted");
          waitBefore(payload, state, backoff(1));
        } else lost ??= error as Error;
        return;
      } finally {
        resolve();
        turns.leave();
      }
    }
    if (Number(batch.highWatermark) > state.progress.position) turns.expect(name, rank);
  }

  async function eachBatch(payload: EachBatchPayload): Promise<void> {
    const release = heartbeats.during(payload.heartbeat);
    try {
      await work(payload);
    } finally {
      release();
    }
    // Thrown to kafkajs, which joins the group again.
    if (lost && !stopping) throw lost;
  }

  /** A group's position is noted from its first day, so that its lag can be told before it has handled anything. */
  async function register(assignment: Readonly<Record<string, number[]>>): Promise<void> {
    const assigned = Object.keys(assignment);
    if (assigned.length === 0) return;
    try {
      const starts = await admin(`group ${groupId}`, async (client) => {
        const noted = await client.fetchOffsets({ groupId, topics: assigned });
        const found: { topic: string; partition: number; offset: string }[] = [];
        for (const { topic, partitions } of noted) {
          const fresh = partitions.filter(({ partition, offset }) => offset === "-1" && assignment[topic]?.includes(partition));
          if (fresh.length === 0) continue;
          const lows = new Map((await client.fetchTopicOffsets(topic)).map(({ partition, low }) => [partition, low]));
          for (const { partition } of fresh) found.push({ topic, partition, offset: lows.get(partition) ?? "0" });
        }
        return found;
      });
      // The group may be between two generations just now: what it refuses then it takes a moment later. A delivery of the generation before
      // may have ended meanwhile: its position is not taken back.
      const note = async () => {
        const due = starts.filter(({ topic, partition }) => !noted.has(nameOf(topics.topicOf(topic), partition)));
        if (due.length > 0) await consumer?.commitOffsets(due);
      };
      await retry(note, { attempts: 4, baseDelayMs: 100, isRetryable: () => true, clock });
    } catch (err) {
      log.warn({ err, group }, "start of a group not noted");
    }
  }

  async function build(): Promise<void> {
    await topics.ensure(options.topics);
    const fresh = kafka.consumer({
      groupId,
      sessionTimeout: settings.sessionTimeoutMs,
      rebalanceTimeout: settings.rebalanceTimeoutMs,
      heartbeatInterval: interval,
      allowAutoTopicCreation: false,
      // What was paused or resumed meanwhile is noticed when a fetch comes back: so it may not wait long for new records.
      maxWaitTimeInMs: 250,
      maxBytesPerPartition: 1_048_576,
      maxBytes: 4_194_304,
      retry: { ...RETRY, restartOnFailure: async () => !stopping },
    });
    // kafkajs answers `run` before it has joined, and after a failure to join that it tries again.
    const { promise: joined, resolve: hasJoined, reject: hasFailed } = Promise.withResolvers<void>();
    let isMember = false;
    fresh.on(fresh.events.GROUP_JOIN, ({ payload }: ConsumerGroupJoinEvent) => {
      isMember = true;
      lost = undefined;
      movedAt = performance.now();
      if (paused) fresh.pause(names.map((topic) => ({ topic })));
      registered = register(payload.memberAssignment);
      hasJoined();
    });
    fresh.on(fresh.events.CRASH, ({ payload }: ConsumerCrashEvent) => {
      log.warn({ err: payload.error, group, restart: payload.restart }, "kafka consumer crashed");
      if (payload.restart || stopping || consumer !== fresh) return;
      if (isMember) void rebuild(payload.error.message);
      else hasFailed(payload.error);
    });
    consumer = fresh;
    await fresh.connect();
    await fresh.subscribe({ topics: names, fromBeginning: true });
    await fresh.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      // As many as there may be partitions: their batches meet in `turns`.
      partitionsConsumedConcurrently: 128,
      eachBatch,
    });
    await Promise.race([joined, untilStopped]);
  }

  /** @throws AppError what will not get better by itself; until then it tries */
  async function buildUntilDone(): Promise<void> {
    for (let attempt = 1; !stopping; attempt++) {
      try {
        return await build();
      } catch (error) {
        const broken = consumer;
        consumer = undefined;
        await broken?.disconnect().catch(() => undefined);
        const failure = translate(error, `group ${groupId}`);
        if (!failure.retryable) throw failure;
        log.warn({ err: failure, group, attempt }, "kafka consumer not started");
        await Promise.race([clock.sleep(backoffMs(attempt, 500, 5_000)), untilStopped]);
      }
    }
  }

  let rebuilding: Promise<void> | undefined;
  function rebuild(why: string): Promise<void> {
    rebuilding ??= (async () => {
      log.error({ group, reason: why }, "kafka consumer is built anew");
      if (!policy.mayRebuild()) {
        deps.onFatal(busConsumerStalled(group, why));
        return;
      }
      const broken = consumer;
      consumer = undefined;
      lose(busClaimLost(group, why));
      // A stuck client may never answer; it is left behind then.
      await Promise.race([broken?.disconnect().catch(() => undefined), clock.sleep(10_000)]);
      await buildUntilDone();
    })()
      .catch((error: unknown) => deps.onFatal(error))
      .finally(() => {
        rebuilding = undefined;
        movedAt = performance.now();
      });
    return rebuilding;
  }

  const watchdog = startWatchdog({
    stallMs: settings.stallMs,
    idleMs: () =>
      paused || current || rebuilding !== undefined || consumer === undefined || resuming.size > 0 ? 0 : performance.now() - movedAt,
    lag: deps.lag,
    onQuiet: () => {
      movedAt = performance.now();
    },
    onStall: (why) => rebuild(why),
  });

  let starting: Promise<void> | undefined;
  async function stopOnce(): Promise<void> {
    stopping = true;
    hasStopped();
    watchdog.stop();
    current?.abort(busStopping());
    turns.dismiss();
    // The delivery under way commits by itself; kafkajs would silently drop that once it is told to stop.
    await idle;
    await rebuilding;
    await starting?.catch(() => undefined);
    await Promise.race([registered, clock.sleep(5_000)]);
    for (const timer of resuming) clearTimeout(timer);
    await consumer?.disconnect().catch((err: unknown) => log.debug({ err, group }, "kafka consumer not closed"));
    heartbeats.stop();
  }

  let stopped: Promise<void> | undefined;
  return {
    async start(patienceMs) {
      starting = buildUntilDone();
      const patience = Promise.withResolvers<boolean>();
      const timer = setTimeout(() => patience.resolve(false), patienceMs);
      try {
        const hasJoined = await Promise.race([starting.then(() => true), patience.promise]);
        if (!hasJoined) starting.catch(deps.onFatal);
        return hasJoined;
      } finally {
        clearTimeout(timer);
      }
    },
    pause() {
      paused = true;
      turns.dismiss();
      consumer?.pause(names.map((topic) => ({ topic })));
    },
    resume() {
      paused = false;
      movedAt = performance.now();
      consumer?.resume(names.map((topic) => ({ topic })));
    },
    stop() {
      stopped ??= stopOnce();
      return stopped;
    },
  };
}
