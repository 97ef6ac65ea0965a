import { ALL_TOPICS } from "@tocsin/contracts";
import { type AppError, type Clock, retry, systemClock } from "@tocsin/runtime";
import type { Admin } from "kafkajs";
import type { Registry } from "prom-client";
import { busClosed, busTopicUnknown, busUnavailable } from "../errors.ts";
import type { EventBus } from "../event-bus.ts";
import { createBusMetrics } from "../metrics.ts";
import { encode } from "../wire.ts";
import { type AskAdmin, type ClientOptions, createClient, RETRY, translate } from "./client.ts";
import { createConsumer, type KafkaConsumerSettings, type KafkaSubscription } from "./consumer.ts";
import { createProducer } from "./producer.ts";
import { createTopics } from "./topics.ts";

export interface KafkaBusOptions extends ClientOptions, Partial<KafkaConsumerSettings> {
  readonly clock?: Clock;
  readonly registry?: Registry;
  readonly onFatal?: (error: unknown) => void;
  /** How long `publish` waits for the brokers before it says `BUS_UNAVAILABLE`, in milliseconds. Default 15,000. */
  readonly publishTimeoutMs?: number;
}

/** How long the brokers may take to say that they are there, in milliseconds: less than `/readyz` gives a check, so that the reason is told. */
const PING_TIMEOUT_MS = 1_500;

const START_PATIENCE_MS = 5_000;

/** The bus on Kafka or Redpanda, through kafkajs. */
export function kafkaBus(options: KafkaBusOptions): EventBus {
  const { log, address, clock = systemClock } = options;
  const settings: KafkaConsumerSettings = {
    sessionTimeoutMs: options.sessionTimeoutMs ?? 10_000,
    rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 60_000,
    stallMs: options.stallMs ?? 60_000,
    backoffBaseMs: options.backoffBaseMs ?? 200,
    backoffMaxMs: options.backoffMaxMs ?? 30_000,
  };
  const metrics = createBusMetrics(options.registry);
  const kafka = createClient(options);
  const subscriptions = new Set<KafkaSubscription>();
  let connecting: Promise<Admin> | undefined;
  let closed: Promise<void> | undefined;
  /** Why the brokers did not answer lately. */
  let trouble: AppError | undefined;
  /** One subscription waits for brokers that are away; the others of this process need not do so again, one after the other. */
  let patienceMs = START_PATIENCE_MS;

  /** Connected when first needed. */
  function connect(): Promise<Admin> {
    connecting ??= (async () => {
      const client = kafka.admin({ retry: RETRY });
      await client.connect();
      return client;
    })();
    return connecting;
  }

  /**
   * Asks the brokers something that may be asked twice. After a failure with a client of its own: kafkajs remembers every topic it was
   * ever asked about, and one that is gone spoils all its answers.
   */
  const admin: AskAdmin = (what, work) =>
    retry(
      async () => {
        const mine = connect();
        try {
          const answer = await work(await mine);
          trouble = undefined;
          return answer;
        } catch (error) {
          if (connecting === mine) connecting = undefined;
          void mine.then((client) => client.disconnect()).catch(() => undefined);
          trouble = translate(error, what);
          throw trouble;
        }
      },
      { attempts: 3, baseDelayMs: 200, clock },
    );

  const topics = createTopics(admin, address, log);
  const producer = createProducer(kafka, topics, log, options.publishTimeoutMs ?? 15_000);

  const lag = (group: string): Promise<number> =>
    admin(`group ${group}`, async (client) => {
      const noted = await client.fetchOffsets({ groupId: `${address.prefix}${group}` });
      let behind = 0;
      for (const { topic, partitions } of noted) {
        const ends = new Map((await client.fetchTopicOffsets(topic)).map((row) => [row.partition, row]));
        for (const { partition, offset } of partitions) {
          const end = ends.get(partition);
          if (end && offset !== "-1") behind += Math.max(0, Number(end.high) - Math.max(Number(offset), Number(end.low)));
        }
      }
      return behind;
    });

  async function closeOnce(): Promise<void> {
    await Promise.all([...subscriptions].map((subscription) => subscription.stop()));
    await producer.close();
    await connecting?.then((client) => client.disconnect()).catch((err: unknown) => log.debug({ err }, "kafka admin not closed"));
  }

  return {
    async publish(events) {
      if (closed !== undefined) throw busClosed();
      const records = events.map(encode);
      if (records.length === 0) return;
      await producer.send(records);
      metrics.published(records);
    },
    async subscribe(subscribe) {
      if (closed !== undefined) throw busClosed();
      const unknown = subscribe.topics.find((topic) => !ALL_TOPICS.includes(topic));
      if (unknown !== undefined) throw busTopicUnknown(unknown);
      const { group } = subscribe;
      const subscription = createConsumer(
        {
          kafka,
          admin,
          topics,
          producer,
          groupId: `${address.prefix}${group}`,
          lag: () => lag(group),
          log,
          clock,
          metrics,
          settings,
          onFatal: options.onFatal ?? ((err) => log.error({ err, group }, "kafka consumer is lost")),
        },
        subscribe,
      );
      subscriptions.add(subscription);
      try {
        if (!(await subscription.start(patienceMs))) patienceMs = 0;
      } catch (error) {
        subscriptions.delete(subscription);
        await subscription.stop();
        throw error;
      }
      return {
        pause: () => subscription.pause(),
        resume: () => subscription.resume(),
        async stop() {
          await subscription.stop();
          subscriptions.delete(subscription);
        },
      };
    },
    lag,
    async ping() {
      if (closed !== undefined) throw busClosed();
      let timer: NodeJS.Timeout | undefined;
      try {
        const late = new Promise<never>((_, reject) => {
          timer = setTimeout(() => reject(trouble ?? busUnavailable(`no answer within ${PING_TIMEOUT_MS} ms`)), PING_TIMEOUT_MS);
        });
        await Promise.race([admin("asking who is there", (client) => client.describeCluster()), late]);
      } finally {
        clearTimeout(timer);
      }
    },
    close() {
      closed ??= closeOnce();
      return closed;
    },
  };
}
