import type { Socket } from "node:net";
import type { Logger } from "@tocsin/runtime";
import type { RunningKafka } from "@tocsin/testkit";
import { type ISocketFactory, Kafka, logLevel } from "kafkajs";
import type { EventBus } from "../../src/event-bus.ts";
import { connectSocket } from "../../src/kafka/client.ts";
import { kafkaBus } from "../../src/kafka/kafka-bus.ts";
import { PARTITIONS, partitionOf } from "../../src/partitioner.ts";
import type { BusUnderTest } from "../conformance.ts";

const SESSION_MS = 3_000;

/** The kafka bus on topics of its own; handles can be held as if their process were stopped. */
export async function kafkaUnderTest(broker: RunningKafka, log: Logger): Promise<BusUnderTest & { prefix: string }> {
  const prefix = `t${crypto.randomUUID().slice(0, 8)}.`;
  const brokers = [`127.0.0.1:${broker.port}`];
  const handles: EventBus[] = [];
  const holds: ReturnType<typeof holdable>[] = [];
  const open = () => {
    const hold = holdable();
    const bus = kafkaBus({
      address: { brokers, prefix },
      log,
      socketFactory: hold.socketFactory,
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: 10_000,
      backoffBaseMs: 20,
      backoffMaxMs: 200,
    });
    handles.push(bus);
    holds.push(hold);
    return { bus, freeze: hold.freeze, thaw: hold.thaw };
  };
  return {
    prefix,
    open: async () => open().bus,
    openFreezable: async () => open(),
    async inject({ topic, key, headers, value }) {
      const probe = open().bus;
      const subscription = await probe.subscribe({ group: "tocsin.probe", topics: [topic], handle: async () => {} });
      await subscription.stop();
      const producer = new Kafka({ clientId: "foreign", brokers, logLevel: logLevel.NOTHING }).producer({
        createPartitioner: () => () => partitionOf(key, PARTITIONS),
      });
      await producer.connect();
      await producer.send({ topic: `${prefix}${topic}`, messages: [{ key, headers: { ...headers }, value }] });
      await producer.disconnect();
    },
    async outage() {
      await broker.halt();
      return () => broker.resume();
    },
    // CI takes the time that a broker's restart takes in earnest.
    outageMs: process.env["TOCSIN_REQUIRE_REAL"] === "1" ? 30_000 : 8_000,
    memberTimeoutMs: SESSION_MS,
    async close() {
      for (const hold of holds) hold.thaw();
      await Promise.all(handles.map((bus) => bus.close()));
    },
  };
}

/** Connections that can be made to hear nothing and say nothing. */
function holdable() {
  const sockets = new Set<Socket>();
  let isHeld = false;
  return {
    socketFactory: (to: Parameters<ISocketFactory>[0]) => {
      const socket = connectSocket(to);
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      if (isHeld) hold(socket);
      return socket;
    },
    freeze() {
      isHeld = true;
      for (const socket of sockets) hold(socket);
    },
    thaw() {
      isHeld = false;
      for (const socket of sockets) {
        socket.uncork();
        socket.resume();
      }
    },
  };
}

function hold(socket: Socket): void {
  socket.pause();
  socket.cork();
}
