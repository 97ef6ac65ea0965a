import { ALERT_TOPICS, type DeadLetter, type OutgoingEvent, TOPICS, type Topic } from "@tocsin/contracts";
import { AppError } from "@tocsin/runtime";
import { eventually } from "@tocsin/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { EventBus } from "../src/event-bus.ts";
import { partitionOf } from "../src/partitioner.ts";
import { alert, firstSeenByKey, latch, opened, recorder, thought } from "./support/events.ts";

/** A fresh, empty bus for one test. */
export interface BusUnderTest {
  /** A handle on it, as each process would have its own. */
  open(): Promise<EventBus>;
  /** A handle whose process can be stopped (`SIGSTOP`) and woken, as far as the bus can tell. */
  openFreezable(): Promise<{ bus: EventBus; freeze(): void; thaw(): void }>;
  /** Puts a record there as a foreign producer would, past every check. */
  inject(record: { topic: Topic; key: string; headers: Readonly<Record<string, string>>; value: string }): Promise<void>;
  /** Takes the server away; what it gives back brings it again. */
  outage(): Promise<() => Promise<void>>;
  /** How long the server is away in the test, in milliseconds. */
  readonly outageMs: number;
  /** After how long of silence a member is taken for dead, in milliseconds. */
  readonly memberTimeoutMs: number;
  close(): Promise<void>;
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const group = "tocsin.test";

/** Incident ids whose partitions are all different (of 8). */
const spreadKeys = (count: number): string[] => {
  const byPartition = new Map<number, string>();
  for (let i = 0; byPartition.size < count; i++) byPartition.set(partitionOf(`inc-${i}`, 8), `inc-${i}`);
  return [...byPartition.values()];
};

/** What every bus adapter has to do; `practice.md` B.5 is the list behind it. */
export function busConformance(start: () => Promise<BusUnderTest>): void {
  let under: BusUnderTest;
  let bus: EventBus;
  beforeEach(async () => {
    under = await start();
    bus = await under.open();
  });
  afterEach(() => under.close());

  const lagBecomes = (lag: number) => eventually(`lag is ${lag}`, async () => ((await bus.lag(group)) === lag ? true : undefined), 20_000);

  test("delivers what was published with its envelope, as other objects", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const seen = recorder();
    await bus.subscribe({ group, topics: [TOPICS.events], handle: seen.note });
    const sent = { ...opened("inc-1", "Grüße \u0000 \u{1f514} \ud800", traceparent), id: "inc-1-Grüße" };
    await bus.publish([sent]);
    await seen.all([sent]);
    const [event] = seen.events();
    const { topic: _topic, key: _key, ...envelope } = sent;
    expect(event).toEqual(envelope);
    expect(event?.data).not.toBe(sent.data);
    expect(seen.deliveries[0]?.topic).toBe(TOPICS.events);
    expect(seen.deliveries[0]?.partition).toBe(partitionOf("inc-1", 8));
    await lagBecomes(0);
  });

  test("takes any text for a key", async () => {
    const seen = recorder();
    const events = ["\u0000", "ä\ud800", "{}", '"\\', "'; DROP TABLE bus_log; --", "x".repeat(5_000)].map((key, i) => ({
      ...opened(`inc-${i}`, i),
      key,
    }));
    await bus.publish(events);
    await bus.subscribe({ group, topics: [TOPICS.events], handle: seen.note });
    await seen.all(events);
  });

  test("keeps the order of a key over publishes, batches and partitions", async () => {
    const seen = recorder();
    await bus.subscribe({ group, topics: [TOPICS.events], maxBatch: 7, handle: seen.note });
    const numbers = range(40);
    const events: OutgoingEvent[] = [];
    for (const number of numbers) {
      const step = range(10).map((incident) => opened(`inc-${incident}`, number));
      events.push(...step);
      await bus.publish(step);
    }
    await seen.all(events);
    for (const order of firstSeenByKey(seen.events()).values()) expect(order).toEqual(numbers.map(String));
    expect(Math.max(...seen.deliveries.map((delivery) => delivery.events.length))).toBeLessThanOrEqual(7);
  });

  test("publishes from many sides at once without a deadlock or a loss", async () => {
    const other = await under.open();
    const seen = recorder();
    await bus.subscribe({ group, topics: [...ALERT_TOPICS, TOPICS.events], handle: seen.note });
    const batches = range(40).map((batch) =>
      range(25).flatMap((i) => [
        alert(i % 2 ? "critical" : "warning", `scope-${(i * 7 + batch) % 13}`, batch * 100 + i),
        opened(`inc-${(i * 5 + batch) % 11}`, `${batch}.${i}`),
      ]),
    );
    await Promise.all(batches.map((batch, i) => (i % 2 ? bus : other).publish(batch)));
    await seen.all(batches.flat());
    await lagBecomes(0);
    expect(new Set(seen.ids()).size).toBe(seen.ids().length);
  });

  test("a new group starts at the beginning and has its own position", async () => {
    const events = range(5).map((i) => opened("inc-1", i));
    await bus.publish(events);
    const first = recorder();
    const second = recorder();
    await bus.subscribe({ group, topics: [TOPICS.events], handle: first.note });
    await first.all(events);
    await bus.subscribe({ group: "tocsin.other", topics: [TOPICS.events], handle: second.note });
    await second.all(events);
    expect(first.ids()).toHaveLength(5);
  });

  test("what waits on an earlier topic is delivered first", async () => {
    const subscription = await bus.subscribe({ group, topics: ALERT_TOPICS, handle: async () => {} });
    await subscription.stop();
    const severities = ["info", "warning", "critical"] as const;
    const events = severities.flatMap((severity) => range(120).map((i) => alert(severity, `scope-${i}`, i)));
    await bus.publish(events);
    const seen = recorder();
    await bus.subscribe({ group, topics: ALERT_TOPICS, maxBatch: 3, handle: seen.note });
    await seen.all(events);
    const topics = seen.deliveries.map((delivery) => delivery.topic as string);
    expect([...new Set(topics)]).toEqual([...ALERT_TOPICS]);
    for (const [earlier, later] of [ALERT_TOPICS.slice(0, 2), ALERT_TOPICS.slice(1, 3)] as [Topic, Topic][])
      expect(topics.lastIndexOf(earlier)).toBeLessThan(topics.indexOf(later));
  });

  test("delivers the same events again when the handler throws, and nothing later of that key before", async () => {
    const seen = recorder();
    let failures = 2;
    await bus.publish([opened("inc-1", 0)]);
    await bus.subscribe({
      group,
      topics: [TOPICS.events],
      async handle(delivery) {
        if (failures-- > 0) throw new Error("not yet");
        await seen.note(delivery);
      },
    });
    const rest = range(9).map((i) => opened("inc-1", i + 1));
    await bus.publish(rest);
    await seen.all([opened("inc-1", 0), ...rest]);
    expect(firstSeenByKey(seen.events()).get("inc-1")).toEqual(range(10).map(String));
    await lagBecomes(0);
  });

  test("an error that says retryable is retried beyond maxAttempts and suspects nobody", async () => {
    const seen = recorder();
    const letters = recorder();
    const sizes: number[] = [];
    await bus.publish(range(6).map((i) => opened("inc-1", i)));
    await bus.subscribe({ group: "tocsin.letters", topics: [TOPICS.deadLetter], handle: letters.note });
    await bus.subscribe({
      group,
      topics: [TOPICS.events],
      maxAttempts: 2,
      async handle(delivery) {
        sizes.push(delivery.events.length);
        if (sizes.length <= 4) throw new AppError("STORE_UNAVAILABLE", "away", { retryable: true });
        await seen.note(delivery);
      },
    });
    await seen.all([opened("inc-1", 5)]);
    expect(sizes).toEqual([6, 6, 6, 6, 6]);
    await lagBecomes(0);
    expect(letters.ids()).toEqual([]);
  });

  test("poison goes to the dead letters alone; its neighbours are handled and the partition moves on", async () => {
    const seen = recorder();
    const letters = recorder();
    let alone = 0;
    const events = range(20).map((i) => opened("inc-1", i));
    await bus.publish(events);
    await bus.subscribe({ group: "tocsin.letters", topics: [TOPICS.deadLetter], handle: letters.note });
    await bus.subscribe({
      group,
      topics: [TOPICS.events],
      maxAttempts: 3,
      async handle(delivery) {
        if (delivery.events.some((event) => event.id === "inc-1-13")) {
          if (delivery.events.length === 1) alone += 1;
          throw new AppError("CORRELATOR_BUG", "cannot read this one");
        }
        await seen.note(delivery);
      },
    });
    await seen.all(events.filter((event) => event.id !== "inc-1-13"));
    await letters.until("a dead letter", () => letters.events().length > 0);
    await lagBecomes(0);
    expect(alone).toBe(3);
    expect(seen.ids()).toEqual(events.map((event) => event.id).filter((id) => id !== "inc-1-13"));
    expect(letters.events()).toHaveLength(1);
    const letter = letters.events()[0]?.data as DeadLetter;
    expect(letter).toMatchObject({
      code: "CORRELATOR_BUG",
      text: "cannot read this one",
      origin: { topic: TOPICS.events, partition: partitionOf("inc-1", 8), offset: "13", group },
    });
    expect(letter.headers).toMatchObject({ ce_id: "inc-1-13", ce_type: events[13]?.type, ce_specversion: "1.0" });
    expect(JSON.parse(Buffer.from(letter.value, "base64").toString())).toEqual(events[13]?.data);
  });

  test("what does not fit the contract on receive becomes a dead letter and holds up nobody", async () => {
    const seen = recorder();
    const letters = recorder();
    const good = {
      ce_specversion: "1.0",
      ce_id: "x",
      ce_source: "/elsewhere",
      ce_time: "2026-01-01T00:00:00.000Z",
      ce_type: "dev.tocsin.incident.opened.v1",
    };
    const topic = TOPICS.events;
    await bus.publish([opened("inc-1", 0)]);
    await under.inject({
      topic,
      key: "inc-1",
      headers: { ...good, ce_id: "bad-type", ce_type: "dev.tocsin.incident.opened.v9" },
      value: "{}",
    });
    await under.inject({ topic, key: "inc-1", headers: { ...good, ce_id: "bad-json" }, value: "{" });
    await under.inject({ topic, key: "inc-1", headers: { ...good, ce_id: "bad-data" }, value: '{"incidentId":7}' });
    await under.inject({ topic, key: "inc-1", headers: {}, value: "hello" });
    await bus.publish([opened("inc-1", 1)]);
    await bus.subscribe({ group: "tocsin.letters", topics: [TOPICS.deadLetter], handle: letters.note });
    await bus.subscribe({ group, topics: [topic], handle: seen.note });
    await seen.all([opened("inc-1", 0), opened("inc-1", 1)]);
    await letters.until("four dead letters", () => letters.events().length >= 4);
    await lagBecomes(0);
    expect(seen.ids()).toEqual(["inc-1-0", "inc-1-1"]);
    const data = letters.events().map((event) => event.data as DeadLetter);
    expect(data.map((letter) => [letter.headers["ce_id"], letter.code])).toEqual([
      ["bad-type", "BUS_EVENT_UNKNOWN"],
      ["bad-json", "BUS_PAYLOAD_INVALID"],
      ["bad-data", "BUS_PAYLOAD_INVALID"],
      [undefined, "BUS_PAYLOAD_INVALID"],
    ]);
    expect(data.map((letter) => Buffer.from(letter.value, "base64").toString())).toEqual(["{}", "{", '{"incidentId":7}', "hello"]);
  });

  test("refuses a publish with one bad event as a whole", async () => {
    const bad = { ...opened("inc-1", 1), data: { incidentId: "inc-1" } };
    await expect(bus.publish([opened("inc-1", 0), bad])).rejects.toMatchObject({ code: "BUS_PAYLOAD_INVALID", retryable: false });
    await expect(bus.publish([{ ...opened("inc-1", 1), type: "dev.tocsin.incident.invented.v1" }])).rejects.toMatchObject({
      code: "BUS_PAYLOAD_INVALID",
    });
    await bus.publish([]);
    const seen = recorder();
    await bus.subscribe({ group, topics: [TOPICS.events], handle: seen.note });
    await bus.publish([opened("inc-1", 2)]);
    await seen.all([opened("inc-1", 2)]);
    expect(seen.ids()).toEqual(["inc-1-2"]);
  });

  test("carries 1 MiB of data, several at a time, and refuses one byte more", async () => {
    const frame = Buffer.byteLength(JSON.stringify(thought("inc-1", "t", "").data));
    const full = range(3).map((i) => thought("inc-1", `full-${i}`, "x".repeat(1_048_576 - frame)));
    await expect(bus.publish([thought("inc-1", "over", "x".repeat(1_048_577 - frame))])).rejects.toMatchObject({
      code: "BUS_PAYLOAD_TOO_LARGE",
      retryable: false,
    });
    const seen = recorder();
    await bus.publish(full);
    await bus.subscribe({ group, topics: [TOPICS.thoughts], handle: seen.note });
    await seen.all(full);
    expect(seen.ids()).toEqual(full.map((event) => event.id));
  });

  test("a dead letter may carry 1 MiB too", async () => {
    const letters = recorder();
    const frame = Buffer.byteLength(JSON.stringify(thought("inc-1", "t", "").data));
    await bus.publish([thought("inc-1", "full", "x".repeat(1_048_576 - frame))]);
    await bus.subscribe({ group: "tocsin.letters", topics: [TOPICS.deadLetter], handle: letters.note });
    await bus.subscribe({
      group,
      topics: [TOPICS.thoughts],
      maxAttempts: 1,
      async handle() {
        throw new Error("no");
      },
    });
    await letters.until("the dead letter", () => letters.events().length > 0);
    const letter = letters.events()[0]?.data as DeadLetter;
    expect(Buffer.from(letter.value, "base64").length).toBe(1_048_576);
  });

  test("a letter that nobody can handle stays where it is", async () => {
    await under.inject({ topic: TOPICS.deadLetter, key: "k", headers: {}, value: "?" });
    const seen = recorder();
    await bus.subscribe({ group, topics: [TOPICS.deadLetter, TOPICS.events], handle: seen.note });
    await bus.publish([opened("inc-1", 0)]);
    await seen.all([opened("inc-1", 0)]);
    await lagBecomes(0);
    expect(seen.ids()).toEqual(["inc-1-0"]);
  });

  test("members of a group share the partitions; when one leaves, the other goes on with all", async () => {
    const keys = spreadKeys(8);
    const [a, b] = [recorder(), recorder()];
    const other = await under.open();
    const first = await bus.subscribe({ group, topics: [TOPICS.events], handle: a.note });
    await other.subscribe({ group, topics: [TOPICS.events], handle: b.note });
    let round = 0;
    const sent: OutgoingEvent[] = [];
    await eventually(
      "both get something",
      async () => {
        const events = keys.map((key) => opened(key, round));
        round += 1;
        sent.push(...events);
        await bus.publish(events);
        return a.ids().length > 0 && b.ids().length > 0 ? true : undefined;
      },
      30_000,
    );
    await lagBecomes(0);
    const before = { a: a.events().length, b: b.events().length };
    const shared = keys.map((key) => opened(key, "shared"));
    await bus.publish(shared);
    await lagBecomes(0);
    const newOf = (events: readonly { id: string }[], from: number) => events.slice(from).map((event) => event.id);
    const [ofA, ofB] = [newOf(a.events(), before.a), newOf(b.events(), before.b)];
    expect([...ofA, ...ofB].sort()).toEqual(shared.map((event) => event.id).sort());
    expect([ofA.length, ofB.length]).toEqual([4, 4]);

    await first.stop();
    const after = keys.map((key) => opened(key, "after"));
    await bus.publish(after);
    await b.all(after);
    await lagBecomes(0);
    const everything = new Set([...a.ids(), ...b.ids()]);
    expect(sent.every((event) => everything.has(event.id))).toBe(true);
  });

  test("a member that joins in the middle of a delivery makes nobody lose or pass anything", async () => {
    const keys = spreadKeys(8);
    const seen = recorder();
    const [entered, release] = [latch(), latch()];
    let isFirst = true;
    const events = range(30).flatMap((number) => keys.map((key) => opened(key, number)));
    await bus.publish(events);
    await bus.subscribe({
      group,
      topics: [TOPICS.events],
      maxBatch: 10,
      async handle(delivery) {
        if (isFirst) {
          isFirst = false;
          entered.open();
          await release.opened;
        }
        await seen.note(delivery);
      },
    });
    await entered.opened;
    const other = await under.open();
    const joining = other.subscribe({ group, topics: [TOPICS.events], maxBatch: 10, handle: seen.note });
    // The joining member asks for its share while the delivery is under way.
    await Promise.race([joining, new Promise((resolve) => setTimeout(resolve, under.memberTimeoutMs / 3))]);
    release.open();
    await joining;
    await seen.all(events);
    await lagBecomes(0);
    for (const order of firstSeenByKey(seen.events()).values()) expect(order).toEqual(range(30).map(String));
  });

  test("a handler that takes longer than a member may be silent keeps its partition and is called once", async () => {
    let calls = 0;
    const done = latch();
    await bus.subscribe({
      group,
      topics: [TOPICS.events],
      async handle({ signal }) {
        calls += 1;
        await new Promise((resolve) => setTimeout(resolve, under.memberTimeoutMs * 3));
        expect(signal.aborted).toBe(false);
        done.open();
      },
    });
    const other = await under.open();
    await bus.publish([opened("inc-1", 0)]);
    await done.opened;
    await lagBecomes(0);
    expect(calls).toBe(1);
    await other.close();
  });

  test("a member that falls silent after the effect loses its claim: another gets the event, its own late commit does nothing", async () => {
    const frozen = await under.openFreezable();
    const [entered, release] = [latch<AbortSignal>(), latch()];
    let left: Promise<unknown> | undefined;
    await frozen.bus.subscribe({
      group,
      topics: [TOPICS.events],
      handle({ signal }) {
        left = (async () => {
          entered.open(signal);
          await release.opened;
        })();
        return left as Promise<void>;
      },
    });
    const sent = opened("inc-1", 0);
    await bus.publish([sent]);
    const signal = await entered.opened;
    frozen.freeze();

    const seen = recorder();
    let mayFinish = false;
    let attempts = 0;
    await bus.subscribe({
      group,
      topics: [TOPICS.events],
      async handle(delivery) {
        attempts += 1;
        if (!mayFinish) throw new AppError("STORE_UNAVAILABLE", "not yet", { retryable: true });
        await seen.note(delivery);
      },
    });
    await eventually("the other member gets it", () => (attempts > 0 ? true : undefined), under.memberTimeoutMs * 3 + 20_000);

    frozen.thaw();
    // While it works: nobody tells a handler that has ended, and which of the two comes first is the heartbeat's matter.
    await eventually("the old member learns that it lost the partition", () => (signal.aborted ? true : undefined), 20_000);
    release.open();
    await left;
    expect(await bus.lag(group)).toBe(1);
    mayFinish = true;
    await seen.all([sent]);
    await lagBecomes(0);
  });

  test("a paused subscription gets nothing, and nothing is lost when it goes on", async () => {
    const seen = recorder();
    const subscription = await bus.subscribe({ group, topics: [TOPICS.events], maxBatch: 5, handle: seen.note });
    const before = range(40).map((i) => opened(`inc-${i % 8}`, i));
    await bus.publish(before);
    await seen.until("the first delivery", () => seen.ids().length > 0);
    subscription.pause();
    // What is under way may end; then it is quiet, however much was fetched ahead.
    const inFlight = await eventually("quiet", async () => {
      const count = seen.ids().length;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return seen.ids().length === count ? count : undefined;
    });
    const during = range(40).map((i) => opened(`inc-${i % 8}`, 100 + i));
    await bus.publish(during);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(seen.ids()).toHaveLength(inFlight);
    subscription.resume();
    await seen.all([...before, ...during]);
    await lagBecomes(0);
    expect(new Set(seen.ids()).size).toBe(seen.ids().length);
  });

  test("stop waits for the delivery under way, whose events do not come again", async () => {
    const seen = recorder();
    const [entered, release] = [latch<AbortSignal>(), latch()];
    const subscription = await bus.subscribe({
      group,
      topics: [TOPICS.events],
      maxBatch: 3,
      async handle(delivery) {
        entered.open(delivery.signal);
        await release.opened;
        await seen.note(delivery);
      },
    });
    const events = range(6).map((i) => opened("inc-1", i));
    await bus.publish(events);
    const signal = await entered.opened;
    let stopped = false;
    const stopping = subscription.stop().then(() => {
      stopped = true;
    });
    await eventually("the handler is told", () => (signal.aborted ? true : undefined));
    expect(stopped).toBe(false);
    release.open();
    await stopping;
    const handled = seen.ids().length;
    expect(handled).toBeGreaterThan(0);
    expect(await bus.lag(group)).toBe(6 - handled);
    await subscription.stop();

    const rest = recorder();
    await bus.subscribe({ group, topics: [TOPICS.events], handle: rest.note });
    await rest.all(events.slice(handled));
    expect(rest.ids()).toEqual(events.slice(handled).map((event) => event.id));
  });

  test("a handler that is told to stop and throws is neither counted nor committed", async () => {
    const entered = latch();
    const subscription = await bus.subscribe({
      group,
      topics: [TOPICS.events],
      maxAttempts: 1,
      async handle({ signal }) {
        entered.open();
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    });
    await bus.publish([opened("inc-1", 0)]);
    await entered.opened;
    await subscription.stop();
    expect(await bus.lag(group)).toBe(1);
    const seen = recorder();
    await bus.subscribe({ group, topics: [TOPICS.events], handle: seen.note });
    await seen.all([opened("inc-1", 0)]);
  });

  test("the server goes away and comes back: publishers learn it, nothing acknowledged is lost", { timeout: 180_000 }, async () => {
    const seen = recorder();
    await bus.subscribe({ group, topics: [TOPICS.events], handle: seen.note });
    const acknowledged = range(10).map((i) => opened(`inc-${i}`, "before"));
    await bus.publish(acknowledged);
    await seen.all(acknowledged);

    const bringBack = await under.outage();
    const during = opened("inc-0", "during");
    const outcome = bus.publish([during]).then(
      () => acknowledged.push(during),
      (error: unknown) => error,
    );
    await new Promise((resolve) => setTimeout(resolve, under.outageMs));
    await bringBack();
    const error = await outcome;
    if (typeof error === "object") expect(error).toMatchObject({ code: "BUS_UNAVAILABLE", retryable: true });

    const after = range(10).map((i) => opened(`inc-${i}`, "after"));
    await eventually("publishing works again", () => bus.publish(after).then(() => true), 60_000);
    await bus.ping();
    await seen.all([...acknowledged, ...after], 60_000);
    await lagBecomes(0);
  });

  test("says how far a group is behind", async () => {
    expect(await bus.lag(group)).toBe(0);
    const subscription = await bus.subscribe({ group, topics: [TOPICS.events, TOPICS.thoughts], handle: async () => {} });
    await subscription.stop();
    await bus.publish([...range(7).map((i) => opened(`inc-${i}`, i)), thought("inc-1", "t", "?")]);
    expect(await bus.lag(group)).toBe(8);
  });

  test("a closed handle says so", async () => {
    const other = await under.open();
    await other.subscribe({ group, topics: [TOPICS.events], handle: async () => {} });
    await other.close();
    await other.close();
    await expect(other.publish([opened("inc-1", 0)])).rejects.toMatchObject({ code: "BUS_CLOSED" });
    await expect(other.subscribe({ group, topics: [TOPICS.events], handle: async () => {} })).rejects.toMatchObject({ code: "BUS_CLOSED" });
  });

  test("does not know topics that are not the product's", async () => {
    const topics = ["sre-unheard-of"] as unknown as Topic[];
    await expect(bus.subscribe({ group, topics, handle: async () => {} })).rejects.toMatchObject({ code: "BUS_TOPIC_UNKNOWN" });
  });
}
