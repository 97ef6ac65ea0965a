import type { Topic } from "@tocsin/contracts";
import type { Logger } from "@tocsin/runtime";
import type { Kafka, Message, Producer } from "kafkajs";
import { busUnavailable } from "../errors.ts";
import { partitionOf } from "../partitioner.ts";
import { MAX_VALUE_BYTES, type WireRecord } from "../wire.ts";
import { RETRY, translate } from "./client.ts";
import { FRAME_BYTES, type KafkaTopics } from "./topics.ts";

/** Most records in one request. */
const MAX_RECORDS = 5_000;
/** Most bytes in one request, over all partitions. */
const MAX_REQUEST_BYTES = 8_388_608;
/** Most bytes that wait for a broker; then publishers are told to come again. */
const MAX_WAITING_BYTES = 67_108_864;

interface Waiting {
  readonly records: readonly WireRecord[];
  readonly bytes: number;
  readonly settle: (error?: unknown) => void;
  givenUp: boolean;
}

export interface KafkaProducer {
  /** Resolves when every in-sync replica has the records. @throws AppError `BUS_UNAVAILABLE` and what {@link translate} makes */
  send(records: readonly WireRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** Splits records into requests, in order: no partition gets more than one full message's room in one of them. */
export function requestsOf(records: readonly WireRecord[], partitionFor: (record: WireRecord) => string): WireRecord[][] {
  const requests: WireRecord[][] = [];
  let request: WireRecord[] = [];
  let total = 0;
  let byPartition = new Map<string, number>();
  for (const record of records) {
    const name = partitionFor(record);
    const bytes = record.bytes + Buffer.byteLength(record.key) + 512;
    const inPartition = (byPartition.get(name) ?? 0) + bytes;
    if (
      request.length > 0 &&
      (total + bytes > MAX_REQUEST_BYTES || inPartition > MAX_VALUE_BYTES + FRAME_BYTES / 2 || request.length >= MAX_RECORDS)
    ) {
      requests.push(request);
      [request, total, byPartition] = [[], 0, new Map()];
    }
    request.push(record);
    total += bytes;
    byPartition.set(name, (byPartition.get(name) ?? 0) + bytes);
  }
  if (request.length > 0) requests.push(request);
  return requests;
}

/**
 * Publishing with all acknowledgements. What is published while a request is under way goes together into the next one: kafkajs sends one
 * request at a time to a broker when it is idempotent, so that this is where throughput comes from.
 */
export function createProducer(kafka: Kafka, topics: KafkaTopics, log: Logger, publishTimeoutMs: number): KafkaProducer {
  let queue: Waiting[] = [];
  let waitingBytes = 0;
  let isFlushing = false;
  let flushed: Promise<void> = Promise.resolve();
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

  const partitionFor = ({ topic, key }: WireRecord) => partitionOf(key, topics.partitionsOf(topic));

  async function sendAll(records: readonly WireRecord[]): Promise<void> {
    await topics.ensure([...new Set(records.map((record) => record.topic))]);
    for (const request of requestsOf(records, (record) => `${record.topic}/${partitionFor(record)}`)) {
      const byTopic = new Map<Topic, Message[]>();
      for (const record of request) {
        const messages = byTopic.get(record.topic) ?? [];
        messages.push({ key: record.key, value: record.value, headers: { ...record.headers }, partition: partitionFor(record) });
        byTopic.set(record.topic, messages);
      }
      const client = await producer();
      await client.sendBatch({
        acks: -1,
        timeout: 10_000,
        topicMessages: [...byTopic].map(([topic, messages]) => ({ topic: topics.nameOf(topic), messages })),
      });
    }
  }

  async function attempt(batch: readonly Waiting[]): Promise<void> {
    try {
      await sendAll(batch.flatMap((waiting) => waiting.records));
    } catch (error) {
      discard();
      topics.forget(batch.flatMap((waiting) => waiting.records.map((record) => record.topic)));
      const failure = translate(error, "publishing");
      // One publisher's fault must not be the others': what will not get better by itself is tried apart.
      if (batch.length > 1 && !failure.retryable) {
        for (const waiting of batch) await attempt([waiting]);
        return;
      }
      for (const waiting of batch) waiting.settle(failure);
      return;
    }
    for (const waiting of batch) waiting.settle();
  }

  async function flush(): Promise<void> {
    while (queue.length > 0) {
      let count = 0;
      let bytes = 0;
      while (count < queue.length && count < MAX_RECORDS && bytes < MAX_REQUEST_BYTES) bytes += queue[count++]?.bytes ?? 0;
      const batch = queue.slice(0, count).filter((waiting) => !waiting.givenUp);
      queue = queue.slice(count);
      waitingBytes -= bytes;
      if (batch.length > 0) await attempt(batch);
    }
    // In the same turn in which the queue was seen empty: whoever publishes next starts a new round.
    isFlushing = false;
  }

  return {
    send(records) {
      const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
      if (waitingBytes + bytes > MAX_WAITING_BYTES && waitingBytes > 0)
        return Promise.reject(busUnavailable(`${waitingBytes} bytes wait for the brokers already`));
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.givenUp = true;
          reject(busUnavailable(`no acknowledgement within ${publishTimeoutMs} ms`));
        }, publishTimeoutMs);
        const waiting: Waiting = {
          records,
          bytes,
          givenUp: false,
          settle(error) {
            clearTimeout(timer);
            if (error === undefined) resolve();
            else reject(error);
          },
        };
        queue.push(waiting);
        waitingBytes += bytes;
        if (isFlushing) return;
        isFlushing = true;
        flushed = flush();
      });
    },
    async close() {
      await flushed;
      await current?.then((client) => client.disconnect()).catch((err: unknown) => log.debug({ err }, "kafka producer not closed"));
    },
  };
}
