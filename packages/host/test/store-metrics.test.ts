import type { Queryable } from "@tocsin/runtime";
import { fakeClock } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { gaugeOutbox, jobCounter } from "../src/store-metrics.ts";

const answering = (rows: () => readonly object[]) => {
  let asked = 0;
  const sql = {
    query: async () => {
      asked += 1;
      const answer = rows();
      return { rows: answer, rowCount: answer.length };
    },
  } as unknown as Queryable;
  return { sql, asked: () => asked };
};

test("tells the backlog of the outbox with one question a scrape", async () => {
  const registry = new Registry();
  const { sql, asked } = answering(() => [{ events: 3, lag: 12.5 }]);
  gaugeOutbox(registry, sql, fakeClock());
  const text = await registry.metrics();
  expect(text).toContain("tocsin_store_outbox_events 3");
  expect(text).toContain("tocsin_store_outbox_lag_seconds 12.5");
  expect(asked()).toBe(1);
});

test("an empty outbox is no lag, also when the clocks of process and database differ", async () => {
  const registry = new Registry();
  gaugeOutbox(registry, answering(() => [{ events: 0, lag: null }]).sql, fakeClock());
  expect(await registry.metrics()).toContain("tocsin_store_outbox_lag_seconds 0");
});

test("a store that is away leaves the other metrics and the process alone", async () => {
  const registry = new Registry();
  const count = jobCounter(registry);
  count("investigate", "given-up");
  gaugeOutbox(
    registry,
    answering(() => {
      throw new Error("away");
    }).sql,
    fakeClock(),
  );
  const text = await registry.metrics();
  expect(text).toContain("tocsin_store_outbox_lag_seconds Nan");
  expect(text).toContain('tocsin_store_jobs_total{queue="investigate",outcome="given-up"} 1');
});
