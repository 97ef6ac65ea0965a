import { TOPICS } from "@tocsin/contracts";
import { AppError, silentLogger, systemClock } from "@tocsin/runtime";
import { eventually } from "@tocsin/testkit";
import type { Admin, Kafka } from "kafkajs";
import { expect, test } from "vitest";
import { createConsumer, type KafkaConsumerDeps } from "../../src/kafka/consumer.ts";
import { createBusMetrics } from "../../src/metrics.ts";

/** As much of kafkajs as a member needs to come, crash and go. */
function fakeKafka() {
  const made: { crash(restart: boolean): void; isConnected: boolean; ranWith: object | undefined }[] = [];
  let joinFails: Error | undefined;
  const kafka = {
    consumer() {
      const listeners = new Map<string, (event: object) => void>();
      const one = {
        isConnected: false,
        ranWith: undefined as object | undefined,
        crash: (restart: boolean) => listeners.get("CRASH")?.({ payload: { error: new Error("crashed"), restart } }),
      };
      made.push(one);
      return {
        events: { GROUP_JOIN: "GROUP_JOIN", CRASH: "CRASH" },
        on: (name: string, listener: (event: object) => void) => listeners.set(name, listener),
        async connect() {
          one.isConnected = true;
        },
        async disconnect() {
          one.isConnected = false;
        },
        async subscribe() {},
        async run(options: object) {
          one.ranWith = options;
          if (joinFails) listeners.get("CRASH")?.({ payload: { error: joinFails, restart: false } });
          else listeners.get("GROUP_JOIN")?.({ payload: { memberAssignment: {} } });
        },
      };
    },
  };
  return {
    kafka: kafka as unknown as Kafka,
    made,
    failToJoin(error: Error) {
      joinFails = error;
    },
  };
}

function member(kafka: Kafka, change: Partial<KafkaConsumerDeps> = {}) {
  const fatal: unknown[] = [];
  const consumer = createConsumer(
    {
      kafka,
      admin: async (_what, work) => work({} as Admin),
      topics: { nameOf: (topic) => topic, topicOf: () => TOPICS.events, ensure: async () => {}, forget() {}, partitionsOf: () => 8 },
      producer: { send: async () => {}, close: async () => {} },
      groupId: "tocsin.test",
      lag: async () => 0,
      log: silentLogger,
      clock: systemClock,
      metrics: createBusMetrics(undefined),
      settings: { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 60_000, stallMs: 60_000, backoffBaseMs: 1, backoffMaxMs: 1 },
      onFatal: (error) => fatal.push(error),
      ...change,
    },
    { group: "tocsin.test", topics: [TOPICS.events], handle: async () => {} },
  );
  return { consumer, fatal };
}

test("a crash that kafkajs does not recover from builds the consumer anew once, the next one is fatal", async () => {
  const { kafka, made } = fakeKafka();
  const { consumer, fatal } = member(kafka);
  await consumer.start(5_000);
  made[0]?.crash(true);
  expect(made).toHaveLength(1);
  made[0]?.crash(false);
  await eventually("a second consumer runs", () => made[1]?.ranWith);
  expect(made[0]?.isConnected).toBe(false);
  expect(fatal).toEqual([]);
  await eventually("the second crash is fatal", () => {
    if (fatal.length === 0) made[1]?.crash(false);
    return fatal.length > 0 ? true : undefined;
  });
  expect(fatal).toEqual([expect.objectContaining({ code: "BUS_CONSUMER_STALLED", message: expect.stringContaining("crashed") })]);
  expect(made).toHaveLength(2);
  await consumer.stop();
});

test("a consumer that stands still while events wait is built anew", async () => {
  const { kafka, made } = fakeKafka();
  const settings = { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 60_000, stallMs: 60, backoffBaseMs: 1, backoffMaxMs: 1 };
  const { consumer, fatal } = member(kafka, { settings, lag: async () => 4 });
  await consumer.start(5_000);
  await eventually("it is given up", () => (fatal.length > 0 ? true : undefined));
  expect(made).toHaveLength(2);
  expect(fatal[0]).toMatchObject({ message: expect.stringContaining("4 events wait") });
  await consumer.stop();
});

test("a paused consumer may stand still", async () => {
  const { kafka, made } = fakeKafka();
  let asked = 0;
  const settings = { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 60_000, stallMs: 40, backoffBaseMs: 1, backoffMaxMs: 1 };
  const lag = async () => {
    asked += 1;
    return 4;
  };
  const { consumer, fatal } = member(
    { ...kafka, consumer: () => ({ ...kafka.consumer({ groupId: "g" }), pause() {} }) } as unknown as Kafka,
    {
      settings,
      lag,
    },
  );
  await consumer.start(5_000);
  consumer.pause();
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect([made.length, asked, fatal]).toEqual([1, 0, []]);
  await consumer.stop();
});

test("what will not get better by itself is told to who subscribes", async () => {
  const { kafka, failToJoin } = fakeKafka();
  failToJoin(Object.assign(new Error("not for you"), { type: "GROUP_AUTHORIZATION_FAILED" }));
  const { consumer } = member(kafka);
  await expect(consumer.start(5_000)).rejects.toMatchObject({
    code: "BUS_FORBIDDEN",
    message: expect.stringContaining("group tocsin.test"),
  });
  await consumer.stop();
});

test("does not wait for brokers that are away, but goes on trying", async () => {
  const { kafka, made } = fakeKafka();
  let isAway = true;
  const { consumer, fatal } = member(kafka, {
    topics: {
      nameOf: (topic) => topic,
      topicOf: () => TOPICS.events,
      async ensure() {
        if (isAway) throw new AppError("BUS_UNAVAILABLE", "away", { retryable: true });
      },
      forget() {},
      partitionsOf: () => 8,
    },
  });
  expect(await consumer.start(20)).toBe(false);
  expect(made).toHaveLength(0);
  isAway = false;
  await eventually("it runs", () => made[0]?.ranWith);
  await consumer.stop();
  expect(fatal).toEqual([]);
});
