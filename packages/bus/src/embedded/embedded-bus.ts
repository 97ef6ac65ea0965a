import { ALL_TOPICS, type Topic } from "@tocsin/contracts";
import { AppError, type Clock, type Logger, type Sql, systemClock } from "@tocsin/runtime";
import type { Registry } from "prom-client";
import { createBatcher } from "../batcher.ts";
import { busClosed, busTopicUnknown, busUnavailable } from "../errors.ts";
import type { EventBus } from "../event-bus.ts";
import { createBusMetrics } from "../metrics.ts";
import { encode } from "../wire.ts";
import { type ConsumerSettings, createConsumer, type EmbeddedConsumer } from "./consumer.ts";
import { append, CHANNEL, createPartitions, DEFAULT_RETENTION, lagOf, prune, type Retention } from "./log.ts";

export interface EmbeddedBusOptions extends Partial<ConsumerSettings> {
  readonly sql: Sql;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly registry?: Registry;
  readonly retention?: Partial<Retention>;
  /** How often old records are deleted, in milliseconds. Default one hour. */
  readonly pruneEveryMs?: number;
}

/**
 * The bus on the database: a log table with offsets per consumer group. Processes that share the database share the bus.
 *
 * Never await `publish` inside a transaction: it writes on its own, and a PGlite has one connection. What has to be in one transaction
 * with a change of state goes through the outbox.
 */
export function embeddedBus(options: EmbeddedBusOptions): EventBus {
  const { sql, log, clock = systemClock, pruneEveryMs = 3_600_000 } = options;
  const settings: ConsumerSettings = {
    leaseMs: options.leaseMs ?? 15_000,
    safetyPollMs: options.safetyPollMs ?? 5_000,
    backoffBaseMs: options.backoffBaseMs ?? 200,
    backoffMaxMs: options.backoffMaxMs ?? 30_000,
  };
  const metrics = createBusMetrics(options.registry);
  const consumers = new Set<EmbeddedConsumer>();
  let prepared: Promise<unknown> | undefined;
  let listening: Promise<() => Promise<void>> | undefined;
  let closed: Promise<void> | undefined;

  /** Once per process, and again after a failure. */
  function prepare(): Promise<unknown> {
    prepared ??= createPartitions(sql, ALL_TOPICS).catch((error: unknown) => {
      prepared = undefined;
      throw error;
    });
    return prepared;
  }

  function listen(): Promise<unknown> {
    listening ??= sql.listen(CHANNEL, onNotice).catch((error: unknown) => {
      listening = undefined;
      throw error;
    });
    return listening;
  }

  function onNotice(payload: string): void {
    const [kind, name = ""] = payload.split(" ", 2);
    for (const consumer of consumers) {
      // An empty payload says that notices may have been missed: look at everything.
      if (kind !== "g") consumer.onAppended(kind === "t" ? name.split(",") : ALL_TOPICS);
      if (kind !== "t" && (kind !== "g" || name === consumer.group)) consumer.onMembersChanged();
    }
  }

  const batcher = createBatcher({
    write: (records) =>
      available(async () => {
        await prepare();
        await append(sql, records);
      }),
    maxRecords: 1_000,
    maxBytes: 8_388_608,
  });

  const pruning = setInterval(() => {
    prune(sql, { ...DEFAULT_RETENTION, ...options.retention }).then(
      (deleted) => log.debug({ deleted }, "bus log pruned"),
      (err: unknown) => log.warn({ err }, "bus log not pruned"),
    );
  }, pruneEveryMs);
  pruning.unref();

  async function closeOnce(): Promise<void> {
    clearInterval(pruning);
    await Promise.all([...consumers].map((consumer) => consumer.stop()));
    await batcher.drained();
    const unlisten = await listening?.catch(() => undefined);
    await unlisten?.();
  }

  return {
    async publish(events) {
      if (closed !== undefined) throw busClosed();
      const records = events.map(encode);
      if (records.length === 0) return;
      await batcher.send(records);
      metrics.published(records);
    },
    async subscribe(subscribe) {
      if (closed !== undefined) throw busClosed();
      const unknown = subscribe.topics.find((topic) => !ALL_TOPICS.includes(topic as Topic));
      if (unknown !== undefined) throw busTopicUnknown(unknown);
      const consumer = createConsumer({ sql, log, clock, metrics, settings }, subscribe);
      await available(async () => {
        await prepare();
        await listen();
        consumers.add(consumer);
        await consumer.start();
      }).catch((error: unknown) => {
        consumers.delete(consumer);
        throw error;
      });
      return {
        pause: () => consumer.pause(),
        resume: () => consumer.resume(),
        async stop() {
          await consumer.stop();
          consumers.delete(consumer);
        },
      };
    },
    lag: (group) => available(() => lagOf(sql, group)),
    async ping() {
      if (closed !== undefined) throw busClosed();
      await available(() => sql.query("SELECT 1"));
    },
    close() {
      closed ??= closeOnce();
      return closed;
    },
  };
}

/** The database being away is the bus being away. */
async function available<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw AppError.is(error) && error.retryable ? busUnavailable(error) : error;
  }
}
