// `npm run bench -- bus [--quick] [pglite] [postgres] [kafka]`: publish→handled latency and throughput of each adapter, on the engines that
// this machine has (all of them, unless some are named). JSON
// lines on standard output, progress on standard error. Everything runs on this machine: the broker and the database too.
import { cpus } from "node:os";
import { TOPICS } from "@tocsin/contracts";
import { silentLogger } from "@tocsin/runtime";
import { findProgram, KAFKA_PROGRAMS, POSTGRES_PROGRAMS, startKafka, startPostgres } from "@tocsin/testkit";
import { Kafka, logLevel } from "kafkajs";
import { type EventBus, openBus } from "../src/index.ts";
import { encode } from "../src/wire.ts";
import { thought } from "../test/support/events.ts";
import { BUS_TABLES, pgliteSql, postgresSql } from "../test/support/test-sql.ts";

const named = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const isWanted = (engine: string): boolean => named.length === 0 || named.includes(engine);
const isQuick = process.argv.includes("--quick");
const LATENCY_EVENTS = isQuick ? 300 : 2_000;
const BULK_EVENTS = isQuick ? 5_000 : 50_000;
const BATCH = 100;
/** Characters of text in an event, so that it has about 600 bytes as an alert does. */
const TEXT = "x".repeat(480);
const KEYS = 64;

const say = (record: object): void => void process.stdout.write(`${JSON.stringify(record)}\n`);
const progress = (text: string): void => void process.stderr.write(`${text}\n`);
const figure = (name: string, subject: string, metric: string, value: number, unit: string, n: number) =>
  say({ suite: "bus", case: name, subject, metric, value: Math.round(value * 100) / 100, unit, n });
const quantile = (sorted: readonly number[], q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
const event = (id: string, key: number) => thought(`inc-${key % KEYS}`, id, TEXT);

/** Waits until a handler has seen `count` events. */
function counter(count: number) {
  let seen = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    done: promise,
    add(more: number) {
      seen += more;
      if (seen >= count) resolve();
    },
  };
}

function latencies(name: string, subject: string, took: number[]): void {
  const sorted = took.toSorted((a, b) => a - b);
  for (const [metric, q] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const)
    figure(name, subject, metric, quantile(sorted, q), "ms", sorted.length);
}

/** One event at a time, at a steady pace: from the call of `publish` to the handler, and to the acknowledgement. */
async function steady(bus: EventBus, subject: string): Promise<void> {
  const sentAt = new Map<string, number>();
  const toHandler: number[] = [];
  const toAck: number[] = [];
  const all = counter(LATENCY_EVENTS);
  const subscription = await bus.subscribe({
    group: "tocsin.bench-latency",
    topics: [TOPICS.thoughts],
    async handle({ events }) {
      const now = performance.now();
      for (const { id } of events) {
        const at = sentAt.get(id);
        if (at !== undefined) toHandler.push(now - at);
      }
      all.add(events.length);
    },
  });
  const publishes: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let n = 0; n < LATENCY_EVENTS; n++) {
    const dueIn = startedAt + n * 10 - performance.now();
    if (dueIn > 0) await new Promise((resolve) => setTimeout(resolve, dueIn));
    const at = performance.now();
    sentAt.set(`steady-${n}`, at);
    publishes.push(bus.publish([event(`steady-${n}`, n)]).then(() => void toAck.push(performance.now() - at)));
  }
  await Promise.all(publishes);
  await all.done;
  await subscription.stop();
  latencies("steady-100-per-s/publish-to-handler", subject, toHandler);
  latencies("steady-100-per-s/publish-to-ack", subject, toAck);
}

async function bulk(bus: EventBus, subject: string): Promise<void> {
  const events = Array.from({ length: BULK_EVENTS }, (_, n) => event(`bulk-${n}`, n));
  const batches = Array.from({ length: BULK_EVENTS / BATCH }, (_, n) => events.slice(n * BATCH, (n + 1) * BATCH));
  let startedAt = performance.now();
  const waiting = new Set<Promise<void>>();
  for (const batch of batches) {
    const publish = bus.publish(batch).finally(() => waiting.delete(publish));
    waiting.add(publish);
    if (waiting.size >= 10) await Promise.race(waiting);
  }
  await Promise.all(waiting);
  figure(
    `publish-${BATCH}-at-a-time-10-in-flight`,
    subject,
    "rate",
    BULK_EVENTS / ((performance.now() - startedAt) / 1_000),
    "events/s",
    BULK_EVENTS,
  );

  const all = counter(BULK_EVENTS);
  startedAt = performance.now();
  const subscription = await bus.subscribe({
    group: "tocsin.bench-bulk",
    topics: [TOPICS.thoughts],
    async handle({ events: handled }) {
      all.add(handled.filter((one) => one.id.startsWith("bulk-")).length);
    },
  });
  await all.done;
  figure("consume-backlog", subject, "rate", BULK_EVENTS / ((performance.now() - startedAt) / 1_000), "events/s", BULK_EVENTS);
  await subscription.stop();
}

/** kafkajs with nothing around it, the same records and as many in flight: what the port costs is the difference. */
async function bareKafkajs(broker: string, topic: string, isMeasured: boolean): Promise<void> {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 8, replicationFactor: 1 }], waitForLeaders: true });
  await admin.disconnect();
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 5 });
  await producer.connect();
  const { value, headers } = encode(event("bulk", 1));
  const startedAt = performance.now();
  const waiting = new Set<Promise<unknown>>();
  for (let n = 0; n < BULK_EVENTS / BATCH; n++) {
    const messages = Array.from({ length: BATCH }, (_, i) => ({ key: `inc-${i % KEYS}`, value, headers }));
    const send = producer.send({ topic, acks: -1, messages }).finally(() => waiting.delete(send));
    waiting.add(send);
    if (waiting.size >= 10) await Promise.race(waiting);
  }
  await Promise.all(waiting);
  const rate = BULK_EVENTS / ((performance.now() - startedAt) / 1_000);
  if (isMeasured) figure(`publish-${BATCH}-at-a-time-10-in-flight`, "kafkajs bare", "rate", rate, "events/s", BULK_EVENTS);
  await producer.disconnect();
}

async function measure(bus: EventBus, subject: string): Promise<void> {
  progress(`${subject}: steady`);
  await steady(bus, subject);
  progress(`${subject}: bulk`);
  await bulk(bus, subject);
  await bus.close();
}

const has = (programs: readonly string[]): boolean => programs.every((program) => findProgram(program) !== undefined);
say({
  suite: "bus",
  node: process.version,
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  config: { LATENCY_EVENTS, BULK_EVENTS, BATCH, KEYS, bytes: JSON.stringify(event("x", 1).data).length },
});

if (isWanted("pglite")) {
  const sql = await pgliteSql();
  await sql.exec(BUS_TABLES);
  await measure(await openBus({ url: "embedded:", sql, log: silentLogger }), "embedded on PGlite (memory)");
  await sql.close();
}

if (!isWanted("postgres")) progress("PostgreSQL was not asked for");
else if (has(POSTGRES_PROGRAMS)) {
  const postgres = await startPostgres({ fsync: "on" });
  const sql = postgresSql(await postgres.createDatabase("bus"));
  await sql.exec(BUS_TABLES);
  await measure(await openBus({ url: "embedded:", sql, log: silentLogger }), "embedded on PostgreSQL");
  await sql.close();
  await postgres.stop();
} else progress("PostgreSQL is not installed: left out");

if (!isWanted("kafka")) progress("Kafka was not asked for");
else if (has(KAFKA_PROGRAMS)) {
  const broker = await startKafka();
  const address = `127.0.0.1:${broker.port}`;
  progress("kafkajs bare: twice to warm up the broker, which would else favour who comes last");
  for (const topic of ["warm-1", "warm-2"]) await bareKafkajs(address, topic, false);
  await bareKafkajs(address, "bare", true);
  await measure(await openBus({ url: `kafka://${address}`, log: silentLogger }), "kafka");
  await bareKafkajs(address, "bare-again", true);
  await broker.stop();
} else progress("Java or Maven is not installed: Kafka left out");
