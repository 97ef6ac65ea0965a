import type { Topic } from "@tocsin/contracts";
import type { Logger } from "@tocsin/runtime";
import type { Kafka, Message, Producer } from "kafkajs";
import { createBatcher } from "../batcher.ts";
import { partitionOf } from "../partitioner.ts";
import { MAX_VALUE_BYTES, type WireRecord } from "../wire.ts";
import { RETRY, translate } from "./client.ts";
import { FRAME_BYTES, type KafkaTopics } from "./topics.ts";

/** Most records in one request. */
const MAX_RECORDS = 5_000;
/** Most bytes in one request, over all partitions. */
const MAX_REQUEST_BYTES = 8_388_608;
export interface KafkaProducer {
  /** Resolves when every in-sync replica has the records. @throws AppError `BUS_UNAVAILABLE` and what {@link translate} makes */
  send(records: readonly WireRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** A record and the partition that its key lives in. */
export interface PlacedRecord {
  readonly record: WireRecord;
  readonly partition: number;
}

/** Splits records into requests, in order: no partition gets more than one full message's room in one of them. */
export function requestsOf(records: readonly PlacedRecord[]): PlacedRecord[][] {
  const requests: PlacedRecord[][] = [];
  let request: PlacedRecord[] = [];
  let total = 0;
  let byPartition = new Map<string, number>();
  for (const placed of records) {
    const { record, partition } = placed;
    const name = `${record.topic}/${partition}`;
    const bytes = record.bytes + record.key.length * 3 + 512; // UTF-8 takes three bytes for a UTF-16 unit at the most
    const inPartition = (byPartition.get(name) ?? 0) + bytes;
    if (
      request.length > 0 &&
      (total + bytes > MAX_REQUEST_BYTES || inPartition > MAX_VALUE_BYTES + FRAME_BYTES / 2 || request.length >= MAX_RECORDS)
    ) {
      requests.push(request);
      [request, total, byPartition] = [[], 0, new Map()];
    }
    request.push(placed);
    total += bytes;
    byPartition.set(name, (byPartition.get(name) ?? 0) + bytes);
  }
  if (request.length > 0) requests.push(request);
  return requests;
}

/**
 * Publishing with all acknowledgements. kafkajs sends one request at a time to a broker when it is idempotent, so that throughput comes
 * from what goes together into a request.
 */
export function createProducer(kafka: Kafka, topics: KafkaTopics, log: Logger, publishTimeoutMs: number): KafkaProducer {
  let current: Promise<Producer> | undefined;

  function producer(): Promise<Producer> {
    current ??= (async () => {
      const fresh = kafka.producer({
        idempotent: true,
        allowAutoTopicCreation: false,
        maxInFlightRequests: 5,
        retry: RETRY,
        createPartitioner:
          () =>
          ({ message }) =>
            message.partition ?? 0,
      });
      await fresh.connect();
      return fresh;
    })();
    return current;
  }

  /**
   * A request that failed may have been stored all the same. kafkajs would use its sequence numbers again for other records, which the
   * broker would take for duplicates and acknowledge without storing them: so the next request comes from a producer with a new id.
   */
  function discard(): void {
    const old = current;
    current = undefined;
    old?.then((client) => client.disconnect()).catch((err: unknown) => log.debug({ err }, "kafka producer not closed"));
  }

  async function sendAll(records: readonly WireRecord[]): Promise<void> {
    await topics.ensure([...new Set(records.map((record) => record.topic))]);
    const placed = records.map((record) => ({ record, partition: partitionOf(record.key, topics.partitionsOf(record.topic)) }));
    for (const request of requestsOf(placed)) {
      const byTopic = new Map<Topic, Message[]>();
      for (const { record, partition } of request) {
        const { topic, key, value } = record;
        const messages = byTopic.get(topic) ?? [];
        messages.push({ key, value, headers: record.headers, partition });
        byTopic.set(topic, messages);
      }
      const client = await producer();
      await client.sendBatch({
        acks: -1,
        timeout: 10_000,
        topicMessages: [...byTopic].map(([topic, messages]) => ({ topic: topics.nameOf(topic), messages })),
      });
    }
  }

  const batcher = createBatcher({
    async write(records) {
      try {
        await sendAll(records);
      } catch (error) {
        discard();
        topics.forget(records.map((record) => record.topic));
        throw translate(error, "publishing");
      }
    },
    maxRecords: MAX_RECORDS,
    maxBytes: MAX_REQUEST_BYTES,
    timeoutMs: publishTimeoutMs,
  });

  return {
    send: batcher.send,
    async close() {
      await batcher.drained();
      await current?.then((client) => client.disconnect()).catch((err: unknown) => log.debug({ err }, "kafka producer not closed"));
    },
  };
}
