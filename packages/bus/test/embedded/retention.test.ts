import { TOPICS } from "@tocsin/contracts";
import { silentLogger } from "@tocsin/runtime";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { embeddedBus } from "../../src/embedded/embedded-bus.ts";
import { DEFAULT_RETENTION, prune } from "../../src/embedded/log.ts";
import type { EventBus } from "../../src/event-bus.ts";
import { opened, recorder } from "../support/events.ts";
import { BUS_TABLES, pgliteSql, type TestSql } from "../support/test-sql.ts";

let sql: TestSql;
let bus: EventBus;
beforeAll(async () => {
  sql = await pgliteSql();
  await sql.exec(BUS_TABLES);
});
beforeEach(async () => {
  await sql.exec("TRUNCATE bus_partitions, bus_log, bus_claims, bus_members");
  bus = embeddedBus({ sql, log: silentLogger });
});
afterEach(() => bus.close());
afterAll(() => sql.close());

const age = (interval: string) => sql.query(`UPDATE bus_log SET published_at = published_at - interval '${interval}'`);
const kept = async () => (await sql.query<{ count: number }>("SELECT count(*) AS count FROM bus_log")).rows[0]?.count;
const handleAll = async (group: string, count: number) => {
  const seen = recorder();
  const subscription = await bus.subscribe({ group, topics: [TOPICS.events], handle: seen.note });
  await seen.until(`${count} events`, () => seen.ids().length >= count);
  await subscription.stop();
};

test("keeps what is young, whoever has handled it", async () => {
  await bus.publish([opened("inc-1", 0), opened("inc-2", 0)]);
  await handleAll("tocsin.a", 2);
  expect(await prune(sql, DEFAULT_RETENTION)).toBe(0);
  await age("8 days");
  expect(await prune(sql, DEFAULT_RETENTION)).toBe(2);
  expect(await bus.lag("tocsin.a")).toBe(0);
});

test("a group that never existed holds back nothing, one that is behind holds back what it has yet to see", async () => {
  await bus.publish([opened("inc-1", 0)]);
  await age("8 days");
  expect(await prune(sql, DEFAULT_RETENTION)).toBe(1);

  await bus.publish([opened("inc-1", 1), opened("inc-1", 2)]);
  await handleAll("tocsin.a", 2);
  const slow = await bus.subscribe({
    group: "tocsin.slow",
    topics: [TOPICS.events],
    maxBatch: 1,
    async handle({ events }) {
      if (events[0]?.id !== "inc-1-1") throw new Error("cannot");
    },
  });
  await expect.poll(() => bus.lag("tocsin.slow"), { timeout: 10_000 }).toBe(1);
  await slow.stop();
  await age("8 days");
  expect(await prune(sql, DEFAULT_RETENTION)).toBe(1);
  expect(await kept()).toBe(1);
});

test("a group without a member for a month is forgotten", async () => {
  const idle = await bus.subscribe({ group: "tocsin.retired", topics: [TOPICS.events], handle: async () => {} });
  await idle.stop();
  await bus.publish([opened("inc-1", 0)]);
  await age("29 days");
  await sql.query("UPDATE bus_claims SET leased_until = leased_until - interval '29 days'");
  expect(await prune(sql, DEFAULT_RETENTION)).toBe(0);
  await sql.query("UPDATE bus_claims SET leased_until = leased_until - interval '2 days'");
  expect(await prune(sql, DEFAULT_RETENTION)).toBe(1);
});

test("a group that starts after everything was pruned goes on with what comes next", async () => {
  await bus.publish([opened("inc-1", 0), opened("inc-1", 1)]);
  await age("8 days");
  await prune(sql, DEFAULT_RETENTION);
  const seen = recorder();
  await bus.subscribe({ group: "tocsin.late", topics: [TOPICS.events], handle: seen.note });
  expect(await bus.lag("tocsin.late")).toBe(0);
  await bus.publish([opened("inc-1", 2)]);
  await seen.all([opened("inc-1", 2)]);
  expect(seen.ids()).toEqual(["inc-1-2"]);
});

test("prunes more than one round at once", async () => {
  await bus.publish(Array.from({ length: 5_001 }, (_, i) => opened(`inc-${i % 50}`, i)));
  await age("8 days");
  expect(await prune(sql, DEFAULT_RETENTION)).toBe(5_001);
});
