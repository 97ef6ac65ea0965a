import { createHttpServer } from "@tocsin/http";
import { silentLogger } from "@tocsin/runtime";
import { openStore, type Store, verifyJournal } from "@tocsin/store";
import { type FakeClock, fakeClock } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { alert, iso, START } from "../../../packages/correlation/test/alerts.ts";
import { returnHeldBack } from "../src/return-held-back.ts";
import { suppressionRoutes } from "../src/suppression-routes.ts";
import { forgetEverything, openIncidents, processOver } from "./support.ts";

let store: Store;
let clock: FakeClock;
let app: ReturnType<typeof createHttpServer>;
let ended: number;

beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store.close());
beforeEach(async () => {
  await forgetEverything(store);
  clock = fakeClock();
  await clock.advance(START - clock.now());
  ended = 0;
  app = createHttpServer({ host: "127.0.0.1", port: 0, log: silentLogger, registry: new Registry(), version: "0" });
  await app.mount("/api/v1", suppressionRoutes({ sql: store.sql, clock, onEnded: () => ended++ }));
});

async function call<T = Record<string, unknown>>(method: "GET" | "POST" | "DELETE", path: string, payload?: object) {
  const answer = await app.fastify.inject({ method, url: `/api/v1${path}`, ...(payload === undefined ? {} : { payload }) });
  return { status: answer.statusCode, body: answer.json() as T & { code: string; detail: string } };
}
const payments = { matcher: 'service == "payments"', owner: "ada", reason: "load test" };
const leak = { name: "MemoryGrowing", service: "payments", severity: "critical" } as const;
const outcomes = async () =>
  (await store.sql.query<{ name: string; outcome: string; reason: string }>("SELECT name, outcome, reason FROM alerts ORDER BY name")).rows;

test("a silence holds alerts back, counts them, names itself on them, and they come back when it expires", async () => {
  const created = await call<{ id: string }>("POST", "/silences", { ...payments, seconds: 600 });
  expect(created).toMatchObject({
    status: 201,
    body: { active: true, suppressed: 0, holdingBack: 0, startsAt: iso(START), expiresAt: iso(START + 600_000) },
  });
  const correlator = processOver(store, clock);
  await correlator.take(
    alert(leak),
    alert({ name: "HighLatency", service: "payments", at: 5 }),
    alert({ name: "Other", service: "archive" }),
  );
  await correlator.take(alert(leak));
  expect(await openIncidents(store)).toMatchObject([{ title: "archive: Other" }]);
  expect((await outcomes())[1]).toMatchObject({
    outcome: "suppressed",
    reason: expect.stringContaining(`silence:${created.body.id}: silenced by ada`),
  });
  expect((await call<{ items: object[] }>("GET", "/silences")).body.items).toMatchObject([{ suppressed: 2, holdingBack: 2 }]);

  await clock.advance(599_999);
  expect(await returnHeldBack(correlator)).toBe(0);
  await correlator.take(alert({ name: "HighLatency", service: "payments", at: 5, endsAt: 500 }));
  await clock.advance(1);
  // Another process may be the one that looks.
  expect(await returnHeldBack(processOver(store, clock))).toBe(1);
  expect(await returnHeldBack(correlator)).toBe(0);
  expect((await openIncidents(store)).map(({ title }) => title).sort()).toEqual(["archive: Other", "payments: MemoryGrowing"]);
  expect((await outcomes())[1]).toMatchObject({
    outcome: "incident",
    reason: expect.stringContaining("still fires after it was held back"),
  });
  expect((await call<{ items: object[] }>("GET", "/silences")).body.items).toEqual([]);
  expect((await call<{ items: object[] }>("GET", "/silences?state=all")).body.items).toMatchObject([{ active: false, holdingBack: 0 }]);
});

test("a silence that a person ends lets go at once, once, and the journal has both", async () => {
  const { body } = await call<{ id: string }>("POST", "/silences", { ...payments, seconds: 600 });
  const correlator = processOver(store, clock);
  await correlator.take(alert(leak));
  expect(await call("DELETE", `/silences/${body.id}?by=bob`)).toMatchObject({ status: 200, body: { active: false, endedBy: "bob" } });
  expect(await call("DELETE", `/silences/${body.id}?by=eve`)).toMatchObject({ status: 200, body: { endedBy: "bob" } });
  expect(ended).toBe(2);
  expect(await returnHeldBack(correlator)).toBe(1);
  const journal = await store.sql.query<{ action: string; actor: string }>("SELECT action, actor FROM journal ORDER BY seq");
  expect(journal.rows).toEqual([
    { action: "silence.created", actor: "ada" },
    { action: "silence.ended", actor: "bob" },
  ]);
  expect(await verifyJournal(store.sql)).toMatchObject({ kind: "intact" });
});

test("a weekly maintenance window holds back in its hours and lets go after them, week after week", async () => {
  // 2026-01-01, where the clock stands, is a Thursday; Vienna is an hour ahead of UTC.
  const schedule = { kind: "weekly", days: ["thu"], from: "00:30", to: "01:30", timeZone: "Europe/Vienna" };
  const created = await call("POST", "/maintenance-windows", { ...payments, schedule });
  expect(created).toMatchObject({ status: 201, body: { active: true, schedule } });
  const correlator = processOver(store, clock);
  await correlator.take(alert(leak));
  expect(await openIncidents(store)).toEqual([]);
  await clock.advance(30 * 60_000);
  expect(await returnHeldBack(correlator)).toBe(1);
  expect((await call<{ items: object[] }>("GET", "/maintenance-windows")).body.items).toMatchObject([{ active: false, suppressed: 1 }]);
  await clock.advance(7 * 86_400_000 - 45 * 60_000);
  const nextWeek = alert({ name: "Other", service: "payments", at: (clock.now() - START) / 1000 });
  await correlator.take(nextWeek);
  expect((await outcomes())[1]).toMatchObject({ name: "Other", outcome: "suppressed" });
});

test.each([
  [
    "a matcher that does not compile, with its column",
    { ...payments, seconds: 60, matcher: "service = 'a'" },
    "CORRELATOR_MATCHER_INVALID",
    /column 9/,
  ],
  ["no end", payments, "REQUEST_INVALID", /expiresAt/],
  ["an end before its beginning", { ...payments, expiresAt: "2020-01-01T00:00:00Z" }, "REQUEST_INVALID", /ends before/],
  ["no owner", { ...payments, seconds: 60, owner: " " }, "REQUEST_INVALID", /owner/],
])("a silence with %s is refused", async (_what, body, code, detail) => {
  expect(await call("POST", "/silences", body)).toMatchObject({ status: 400, body: { code, detail: expect.stringMatching(detail) } });
});

test("a window in a time zone that does not exist, and a rule that does not exist, are refused", async () => {
  const schedule = { kind: "weekly", days: ["thu"], from: "00:30", to: "01:30", timeZone: "Mars/Olympus" };
  expect(await call("POST", "/maintenance-windows", { ...payments, schedule })).toMatchObject({ status: 400 });
  expect(await call("DELETE", "/maintenance-windows/none")).toMatchObject({
    status: 404,
    body: { code: "CORRELATOR_SUPPRESSION_UNKNOWN" },
  });
  const { body } = await call<{ id: string }>("POST", "/silences", { ...payments, seconds: 60 });
  expect(await call("DELETE", `/maintenance-windows/${body.id}`)).toMatchObject({ status: 404 });
});
