import { TOPICS, type Topic } from "@tocsin/contracts";
import type { Logger } from "@tocsin/runtime";
import type { Admin } from "kafkajs";
import { busTopicPartitions, busTopicUnknown } from "../errors.ts";
import { PARTITIONS } from "../partitioner.ts";
import { MAX_DEAD_LETTER_BYTES, MAX_VALUE_BYTES } from "../wire.ts";
import type { AskAdmin } from "./client.ts";
import type { KafkaAddress } from "./kafka-address.ts";

/** Room for key, headers and the frame of a batch beside the value. */
export const FRAME_BYTES = 65_536;
const DAY_MS = 86_400_000;

/** How long each topic is kept: alerts and facts a week, actions a month (they are what people ask about), thoughts three days. */
const RETENTION_DAYS: Readonly<Record<Topic, number>> = {
  [TOPICS.critical]: 7,
  [TOPICS.warning]: 7,
  [TOPICS.info]: 7,
  [TOPICS.events]: 7,
  [TOPICS.thoughts]: 3,
  [TOPICS.actions]: 30,
  [TOPICS.deadLetter]: 30,
};

export interface KafkaTopics {
  /** The topic's name on the brokers. */
  nameOf(topic: Topic): string;
  topicOf(name: string): Topic;
  /** Sees to it that the topics are there. @throws AppError `BUS_TOPIC_PARTITIONS`, `BUS_FORBIDDEN`, `BUS_UNAVAILABLE` */
  ensure(topics: readonly Topic[]): Promise<void>;
  /** After a failure: look again next time, for a topic may have been deleted. */
  forget(topics: readonly Topic[]): void;
  /** Of a topic that was ensured. */
  partitionsOf(topic: Topic): number;
}

/** Topics are made by us with stated partitions and retention, never by the broker with its defaults. */
export function createTopics(admin: AskAdmin, address: KafkaAddress, log: Logger): KafkaTopics {
  const partitions = new Map<Topic, number>();
  const ensured = new Set<Topic>();
  const nameOf = (topic: Topic) => `${address.prefix}${topic}`;

  async function create(client: Admin, missing: readonly Topic[]): Promise<void> {
    const { brokers } = await client.describeCluster();
    const replication = address.replication ?? Math.min(3, brokers.length);
    const config = (topic: Topic) => ({
      "cleanup.policy": "delete",
      "retention.ms": String(RETENTION_DAYS[topic] * DAY_MS),
      "max.message.bytes": String((topic === TOPICS.deadLetter ? MAX_DEAD_LETTER_BYTES : MAX_VALUE_BYTES) + FRAME_BYTES),
      "min.insync.replicas": String(replication >= 3 ? 2 : 1),
    });
    await client.createTopics({
      waitForLeaders: true,
      topics: missing.map((topic) => ({
        topic: nameOf(topic),
        numPartitions: PARTITIONS,
        replicationFactor: replication,
        configEntries: Object.entries(config(topic)).map(([name, value]) => ({ name, value })),
      })),
    });
    log.info({ topics: missing.map(nameOf), partitions: PARTITIONS, replication }, "kafka topics created");
  }

  async function ensure(topics: readonly Topic[]): Promise<void> {
    const asked = topics.filter((topic) => !ensured.has(topic));
    if (asked.length === 0) return;
    await admin(`topics ${asked.map(nameOf).join(", ")}`, async (client) => {
      const there = new Set(await client.listTopics());
      const missing = asked.filter((topic) => !there.has(nameOf(topic)));
      if (missing.length > 0) await create(client, missing);
      const { topics: found } = await client.fetchTopicMetadata({ topics: asked.map(nameOf) });
      for (const { name, partitions: rows } of found) {
        if (rows.length < PARTITIONS) throw busTopicPartitions(name, rows.length, PARTITIONS);
        partitions.set(topicOf(name), rows.length);
        ensured.add(topicOf(name));
      }
    });
  }

  function topicOf(name: string): Topic {
    const topic = name.slice(address.prefix.length);
    if (!name.startsWith(address.prefix) || !(topic in RETENTION_DAYS)) throw busTopicUnknown(name);
    return topic as Topic;
  }

  return {
    nameOf,
    topicOf,
    ensure,
    forget(topics) {
      for (const topic of topics) ensured.delete(topic);
    },
    partitionsOf: (topic) => partitions.get(topic) ?? PARTITIONS,
  };
}
