import { type DeadLetter, TOPICS } from "@tocsin/contracts";
import { silentLogger } from "@tocsin/runtime";
import { eventually, KAFKA_PROGRAMS, lacks, type RunningKafka, startKafka } from "@tocsin/testkit";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBus } from "../../src/index.ts";
import { kafkaBus } from "../../src/kafka/kafka-bus.ts";
import { busConformance } from "../conformance.ts";
import { opened, recorder } from "../support/events.ts";
import { kafkaUnderTest } from "../support/kafka-under-test.ts";

const user = { name: "tocsin", password: "pa55-word" };

describe.skipIf(lacks(...KAFKA_PROGRAMS, "openssl"))("kafka bus on Apache Kafka", () => {
  let broker: RunningKafka;
  beforeAll(async () => {
    broker = await startKafka({ user, isShortLived: true });
  }, 360_000);
  afterAll(() => broker.stop());

  busConformance(() => kafkaUnderTest(broker, silentLogger));

  const url = (prefix = "") => `kafka://127.0.0.1:${broker.port}?prefix=${prefix}`;
  const foreign = () => new Kafka({ clientId: "foreign", brokers: [`127.0.0.1:${broker.port}`], logLevel: logLevel.NOTHING });

  test("makes topics with stated partitions, retention and message size", async () => {
    const bus = await openBus({ url: url("made."), log: silentLogger });
    await bus.subscribe({ group: "tocsin.test", topics: [TOPICS.actions, TOPICS.deadLetter], handle: async () => {} });
    const admin = foreign().admin();
    await admin.connect();
    const names = ["made.agent-actions", "made.sre-deadletter"];
    const { topics } = await admin.fetchTopicMetadata({ topics: names });
    expect(topics.map((topic) => topic.partitions.length)).toEqual([8, 8]);
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: names.map((name) => ({ type: 2, name, configNames: ["retention.ms", "max.message.bytes"] })),
    });
    const values = resources.map((resource) =>
      Object.fromEntries(resource.configEntries.map(({ configName, configValue }) => [configName, Number(configValue)])),
    );
    expect(values[0]).toEqual({ "retention.ms": 30 * 86_400_000, "max.message.bytes": 1_114_112 });
    expect(values[1]?.["max.message.bytes"]).toBe(2_686_976);
    await admin.disconnect();
    await bus.close();
  });

  test("refuses a topic with too few partitions, for publishing and for reading, naming it", async () => {
    const admin = foreign().admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: "few.sre-events", numPartitions: 2, replicationFactor: 1 }], waitForLeaders: true });
    await admin.disconnect();
    const bus = await openBus({ url: url("few."), log: silentLogger });
    const refusal = { code: "BUS_TOPIC_PARTITIONS", message: expect.stringContaining("few.sre-events has 2 partitions") };
    await expect(bus.publish([opened("inc-1", 0)])).rejects.toMatchObject(refusal);
    await expect(bus.subscribe({ group: "tocsin.test", topics: [TOPICS.events], handle: async () => {} })).rejects.toMatchObject(refusal);
    await bus.close();
  });

  test("headers that come twice or hold any bytes, and values that are no text, end as dead letters with all they had", async () => {
    const under = await kafkaUnderTest(broker, silentLogger);
    const bus = await under.open();
    const letters = recorder();
    const seen = recorder();
    await bus.publish([opened("inc-1", 0)]);
    const producer = foreign().producer({ createPartitioner: () => () => 0 });
    await producer.connect();
    const value = Buffer.from([0xff, 0xfe, 0x00, 0x41]);
    await producer.send({
      topic: `${under.prefix}${TOPICS.events}`,
      messages: [
        { key: "k", value, headers: { twice: ["a", "b"], bytes: Buffer.from([0xff, 0x00]), ce_specversion: "1.0" } },
        { key: null, value: null },
      ],
    });
    await producer.disconnect();
    await bus.subscribe({ group: "tocsin.letters", topics: [TOPICS.deadLetter], handle: letters.note });
    await bus.subscribe({ group: "tocsin.test", topics: [TOPICS.events], handle: seen.note });
    await seen.all([opened("inc-1", 0)]);
    await letters.until("both letters", () => letters.events().length === 2);
    const [first, second] = letters.events().map((event) => event.data as DeadLetter);
    expect(first?.headers).toEqual({ twice: "a,b", bytes: "base64:/wA=", ce_specversion: "1.0" });
    expect(Buffer.from(first?.value ?? "", "base64")).toEqual(value);
    expect(second?.value).toBe("");
    await under.close();
  });

  test("TLS with SASL lets the right password in and names the wrong one", async () => {
    const { port = 0, caPem = "" } = broker.secured ?? {};
    const secured = (password: string, pem = caPem) =>
      openBus({
        url: `kafka://127.0.0.1:${port}?prefix=sec.`,
        log: silentLogger,
        kafka: { tls: true, caPem: pem, sasl: { mechanism: "plain", username: user.name, password } },
      });
    const right = await secured(user.password);
    await right.ping();
    const seen = recorder();
    await right.subscribe({ group: "tocsin.test", topics: [TOPICS.events], handle: seen.note });
    await right.publish([opened("inc-1", 0)]);
    await seen.all([opened("inc-1", 0)]);
    await right.close();

    const wrong = await secured("nope");
    const refusal = { code: "BUS_AUTH_FAILED", retryable: false };
    await expect(wrong.ping()).rejects.toMatchObject(refusal);
    await expect(wrong.publish([opened("inc-1", 0)])).rejects.toMatchObject(refusal);
    await expect(wrong.subscribe({ group: "tocsin.test", topics: [TOPICS.events], handle: async () => {} })).rejects.toMatchObject(refusal);
    await wrong.close();
  });

  test("a consumer that is started before the brokers begins when they come", { timeout: 120_000 }, async () => {
    await broker.halt();
    const bus = kafkaBus({
      address: { brokers: [`127.0.0.1:${broker.port}`], prefix: "early." },
      log: silentLogger,
      publishTimeoutMs: 3_000,
    });
    const seen = recorder();
    await bus.subscribe({ group: "tocsin.test", topics: [TOPICS.events], handle: seen.note });
    await expect(bus.ping()).rejects.toMatchObject({ code: "BUS_UNAVAILABLE" });
    await expect(bus.publish([opened("inc-1", 0)])).rejects.toMatchObject({ code: "BUS_UNAVAILABLE", retryable: true });
    await broker.resume();
    await eventually("publishing works", () => bus.publish([opened("inc-1", 1)]).then(() => true), 60_000);
    await seen.all([opened("inc-1", 1)], 60_000);
    await bus.close();
  });

  test("a topic that was deleted is made again, and its readers go on", { timeout: 120_000 }, async () => {
    const bus = await openBus({ url: url("gone."), log: silentLogger });
    const seen = recorder();
    await bus.subscribe({ group: "tocsin.test", topics: [TOPICS.events], handle: seen.note });
    await bus.publish([opened("inc-1", 0), opened("inc-1", 1)]);
    await seen.all([opened("inc-1", 1)]);
    const admin = foreign().admin();
    await admin.connect();
    await admin.deleteTopics({ topics: ["gone.sre-events"] });
    await admin.disconnect();
    await eventually("publishing works", () => bus.publish([opened("inc-1", 2)]).then(() => true), 60_000);
    await seen.all([opened("inc-1", 2)], 60_000);
    await bus.close();
  });
});
