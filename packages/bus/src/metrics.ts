import { Counter, Histogram, type Registry } from "prom-client";

/** What both adapters count. Labels are topics, groups and a handful of outcomes: bounded by the product itself. */
export interface BusMetrics {
  published(records: readonly { readonly topic: string }[]): void;
  delivered(group: string, topic: string, outcome: "handled" | "failed", count: number, seconds: number): void;
  deadLettered(group: string, topic: string, code: string): void;
}

const SILENT: BusMetrics = { published() {}, delivered() {}, deadLettered() {} };

export function createBusMetrics(registry: Registry | undefined): BusMetrics {
  if (!registry) return SILENT;
  const registers = [registry];
  const published = new Counter({
    name: "tocsin_bus_published_total",
    help: "Events made durable, by topic",
    labelNames: ["topic"],
    registers,
  });
  const delivered = new Counter({
    name: "tocsin_bus_delivered_total",
    help: "Events given to handlers, by outcome of the delivery",
    labelNames: ["group", "topic", "outcome"],
    registers,
  });
  const seconds = new Histogram({
    name: "tocsin_bus_delivery_seconds",
    help: "Time that one delivery took its handler",
    labelNames: ["group", "topic"],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    registers,
  });
  const deadLetters = new Counter({
    name: "tocsin_bus_dead_letters_total",
    help: "Events sent to sre-deadletter; above zero is a fault to look at",
    labelNames: ["group", "topic", "code"],
    registers,
  });
  return {
    published(records) {
      const counts = new Map<string, number>(); // to find a counter by its labels takes longer than to count
      for (const { topic } of records) counts.set(topic, (counts.get(topic) ?? 0) + 1);
      for (const [topic, count] of counts) published.inc({ topic }, count);
    },
    delivered(group, topic, outcome, count, took) {
      delivered.inc({ group, topic, outcome }, count);
      seconds.observe({ group, topic }, took);
    },
    deadLettered: (group, topic, code) => deadLetters.inc({ group, topic, code }),
  };
}
