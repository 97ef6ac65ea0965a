import { createHttpServer } from "@tocsin/http";
import { silentLogger } from "@tocsin/runtime";
import { openStore, recordHeartbeats, type Store } from "@tocsin/store";
import { type FakeClock, fakeClock } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { alert, iso } from "../../../packages/correlation/test/alerts.ts";
import { forgetWatchdog, watchHeartbeats } from "../src/dead-man.ts";
import { platformRoutes } from "../src/platform-routes.ts";
import { watchStorm } from "../src/storm.ts";
import { forgetEverything, openIncidents, processOver } from "./support.ts";

const SILENT_MS = 300_000;
const LIMITS = { incidents: 4, windowSeconds: 300 };
let store: Store;
let clock: FakeClock;
let correlator: ReturnType<typeof processOver>;
let app: ReturnType<typeof createHttpServer>;

beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store.close());
beforeEach(async () => {
  await forgetEverything(store);
  clock = fakeClock();
  correlator = processOver(store, clock);
  app = createHttpServer({ host: "127.0.0.1", port: 0, log: silentLogger, registry: new Registry(), version: "0" });
  const forget = (id: string) => forgetWatchdog(correlator, id);
  await app.mount("/api/v1", platformRoutes({ sql: store.sql, clock, storm: LIMITS, silentMs: SILENT_MS, forget }));
});
const get = async (path: string) => (await app.fastify.inject({ method: "GET", url: `/api/v1${path}` })).json();
const watchdog = (prometheus: string) => ({ ...alert({ name: "Watchdog", labels: { prometheus } }), receivedAt: iso(clock.now()) });
const hear = (...names: string[]) => recordHeartbeats(store.sql, names.map(watchdog));
const watch = (listeningSince = 0) => watchHeartbeats({ ...correlator, silentMs: SILENT_MS, listeningSince });

test("a watchdog that is not heard for five minutes is an incident of the monitoring, and recovers when it is heard again", async () => {
  await hear("eu", "us");
  await clock.advance(SILENT_MS - 1);
  await hear("us");
  expect(await watch()).toBe(0);
  await clock.advance(1);
  expect(await watch()).toBe(1);
  expect(await watch()).toBe(1);
  expect(await openIncidents(store)).toMatchObject([{ title: "monitoring:eu: AlertingSilent", scope: "tocsin", recovered_at: null }]);
  expect(await get("/heartbeats")).toMatchObject({ items: [{ silent: true, silentSeconds: 300 }, { silent: false }] });
  await hear("eu");
  expect(await watch()).toBe(0);
  expect((await openIncidents(store))[0]?.recovered_at).not.toBeNull();
  await clock.advance(SILENT_MS);
  await hear("us");
  await watch();
  expect((await openIncidents(store))[0]).toMatchObject({ alert_count: 1, recovered_at: null });
});

test("what was missed while nobody listened proves nothing", async () => {
  await hear("eu");
  await clock.advance(3_600_000);
  const since = clock.now();
  expect(await watch(since)).toBe(0);
  await clock.advance(SILENT_MS);
  expect(await watch(since)).toBe(1);
});

test("a watchdog that is gone for good is forgotten, and its incident recovers", async () => {
  await hear("eu");
  await clock.advance(SILENT_MS);
  await watch();
  const { fingerprint } = watchdog("eu");
  const url = `/api/v1/heartbeats/${fingerprint}`;
  expect((await app.fastify.inject({ method: "DELETE", url })).statusCode).toBe(200);
  expect(await watch()).toBe(0);
  expect((await openIncidents(store))[0]?.recovered_at).not.toBeNull();
  expect((await app.fastify.inject({ method: "DELETE", url })).json()).toMatchObject({ code: "CORRELATOR_HEARTBEAT_UNKNOWN" });
});

test("several incidents within the window are a storm until half of them have passed out of it, told of once each", async () => {
  const open = (from: number, count: number) => {
    const alerts = Array.from({ length: count }, (_, i) =>
      alert({ name: "DiskFull", service: `island-${from + i}`, at: (clock.now() - Date.parse(iso(0))) / 1000 }),
    );
    return correlator.take(...alerts);
  };
  await open(0, 3);
  expect(await watchStorm(store.sql, clock, LIMITS)).toBe(false);
  await clock.advance(200_000);
  await open(3, 1);
  expect(await Promise.all([watchStorm(store.sql, clock, LIMITS), watchStorm(store.sql, clock, LIMITS)])).toContain(true);
  expect(await get("/storm")).toMatchObject({ on: true, opened: 4, incidents: 4, windowSeconds: 300 });
  await open(4, 1);
  await clock.advance(100_000);
  // The first three are out of the window, two are left: half of what began it.
  expect(await watchStorm(store.sql, clock, LIMITS)).toBe(true);
  await clock.advance(200_000);
  expect(await watchStorm(store.sql, clock, LIMITS)).toBe(false);
  const { rows } = await store.sql.query<{ kind: string; incident_id: string }>(
    "SELECT data->>'kind' AS kind, incident_id FROM event_log WHERE topic = 'sre-events' AND data->>'kind' LIKE 'storm%' ORDER BY seq",
  );
  expect(rows).toEqual([
    { kind: "storm-began", incident_id: "platform" },
    { kind: "storm-ended", incident_id: "platform" },
  ]);
});
