import { silentLogger } from "@tocsin/runtime";
import { eventually, fakeClock } from "@tocsin/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Store } from "../src/database.ts";
import { openStore } from "../src/open-store.ts";
import { startUpkeep } from "../src/upkeep.ts";

let store: Store;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store?.close());

const oldIds = async () => {
  await store.sql.query(
    "INSERT INTO handled_events (consumer, event_id, handled_at) VALUES ('c', 'old', now() - interval '20 days') ON CONFLICT DO NOTHING",
  );
};
const count = async () => (await store.sql.query("SELECT 1 FROM handled_events")).rowCount;
const redo = async () => (await store.sql.query<{ at: string }>("SELECT redo_lsn::text AS at FROM pg_control_checkpoint()")).rows[0]?.at;

test("prunes once an hour, and keeps PGlite's write-ahead log short in between", async () => {
  const clock = fakeClock();
  await store.sql.query("DELETE FROM leases");
  await oldIds();
  const checkpointAtStart = await redo();
  const stop = startUpkeep({ sql: store.sql, engine: "pglite", log: silentLogger, clock });
  expect(await count()).toBe(1);
  await clock.advance(60_000);
  await eventually("the old row is gone", async () => ((await count()) === 0 ? true : undefined));
  await eventually("a checkpoint was made", async () => ((await redo()) !== checkpointAtStart ? true : undefined));

  await oldIds();
  const checkpoint = await redo();
  await eventually("it sleeps", () => (clock.sleepers > 0 ? true : undefined));
  await clock.advance(5 * 60_000);
  await eventually("another checkpoint was made", async () => ((await redo()) !== checkpoint ? true : undefined));
  expect(await count(), "not before the hour").toBe(1);

  // Round by round: a checkpoint takes its time, and the clock must not pass the hour while one is made.
  await eventually("the old row is gone", async () => {
    await clock.advance(5 * 60_000);
    return (await count()) === 0 ? true : undefined;
  });
  expect(clock.now()).toBeGreaterThanOrEqual(Date.parse("2026-01-01T01:01:00.000Z"));
  await stop();
});

test("leaves the pruning to the process that holds the lease", async () => {
  const clock = fakeClock();
  await store.sql.query("DELETE FROM leases");
  await store.sql.query("INSERT INTO leases VALUES ('upkeep', 'another', now() + interval '1 hour')");
  await oldIds();
  const checkpoint = await redo();
  const stop = startUpkeep({ sql: store.sql, engine: "pglite", log: silentLogger, clock });
  await clock.advance(60_000);
  await eventually("its round is done", async () => ((await redo()) !== checkpoint ? true : undefined));
  await stop();
  expect(await count()).toBe(1);
});
