import { TOPICS } from "@tocsin/contracts";
import { silentLogger } from "@tocsin/runtime";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { openBus } from "../src/index.ts";
import { opened, recorder } from "./support/events.ts";
import { BUS_TABLES, pgliteSql } from "./support/test-sql.ts";

test("counts what was published, handled, failed and sent away", async () => {
  const sql = await pgliteSql();
  await sql.exec(BUS_TABLES);
  const registry = new Registry();
  const bus = await openBus({ url: "embedded:", sql, log: silentLogger, registry });
  const letters = recorder();
  await bus.subscribe({ group: "tocsin.letters", topics: [TOPICS.deadLetter], handle: letters.note });
  await bus.publish([opened("inc-1", 0), opened("inc-1", 1)]);
  await bus.subscribe({
    group: "tocsin.test",
    topics: [TOPICS.events],
    maxBatch: 1,
    maxAttempts: 1,
    async handle({ events }) {
      if (events[0]?.id === "inc-1-0") throw new Error("no");
    },
  });
  await letters.until("the dead letter", () => letters.events().length === 1);
  await expect.poll(() => bus.lag("tocsin.test")).toBe(0);
  await bus.close();
  await sql.close();
  const text = await registry.metrics();
  expect(text).toContain('tocsin_bus_published_total{topic="sre-events"} 2');
  expect(text).toContain('tocsin_bus_delivered_total{group="tocsin.test",topic="sre-events",outcome="failed"} 1');
  expect(text).toContain('tocsin_bus_delivered_total{group="tocsin.test",topic="sre-events",outcome="handled"} 1');
  expect(text).toContain('tocsin_bus_dead_letters_total{group="tocsin.test",topic="sre-events",code="BUS_HANDLER_FAILED"} 1');
  expect(text).toContain('tocsin_bus_delivery_seconds_count{group="tocsin.test",topic="sre-events"} 2');
});
