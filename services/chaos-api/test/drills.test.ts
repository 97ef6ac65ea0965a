import type { DrillView, FaultView } from "@tocsin/contracts";
import { createHttpServer } from "@tocsin/http";
import { AppError, silentLogger } from "@tocsin/runtime";
import { openStore, type Store } from "@tocsin/store";
import { type FakeClock, fakeClock } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createDrills, type Drills } from "../src/drills.ts";
import type { LabFaults } from "../src/lab-faults.ts";
import { drillRoutes } from "../src/routes.ts";

const fault = (id: string, expectedAction: string): FaultView => ({
  id,
  title: id,
  text: id,
  targets: ["cart", "payments"],
  expectedAction,
});
const FAULTS = [fault("hang", "target.restart"), fault("error-burst", "target.rollback")];

let store: Store;
let clock: FakeClock;
let lab: LabFaults & { injected: string[]; cleared: string[]; refuse?: AppError };
let drills: Drills;
let app: ReturnType<typeof createHttpServer>;

beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store.close());
beforeEach(async () => {
  await store.sql.query("TRUNCATE drills, incidents, incident_members, alerts, alert_transitions, runs, run_steps CASCADE");
  clock = fakeClock();
  lab = {
    injected: [],
    cleared: [],
    list: async () => FAULTS,
    async inject(target, name) {
      if (lab.refuse) throw lab.refuse;
      lab.injected.push(`${name} into ${target}`);
    },
    async clear(target) {
      lab.cleared.push(target);
    },
  };
  const registry = new Registry();
  drills = createDrills({ sql: store.sql, lab, clock, log: silentLogger, registry });
  app = createHttpServer({ host: "127.0.0.1", port: 0, log: silentLogger, registry, version: "0" });
  await app.mount("/api/v1", drillRoutes(drills, lab, store.sql));
});

async function post(body: object) {
  const answer = await app.fastify.inject({ method: "POST", url: "/api/v1/drills", payload: body });
  return { status: answer.statusCode, body: answer.json() as DrillView & { code: string; known: string[] } };
}
async function get<T = DrillView>(path: string): Promise<T> {
  return (await app.fastify.inject({ method: "GET", url: `/api/v1${path}` })).json() as T;
}
const seconds = (after: number) => new Date(Date.parse("2026-01-01T00:00:00Z") + after * 1000).toISOString();

/** An incident with one alert, as the correlator would leave it. */
async function seedIncident(id: string, service: string, openedAfter: number, firedAfter = openedAfter): Promise<void> {
  const { sql } = store;
  await sql.query(
    `INSERT INTO incidents (id, scope, title, state, severity, service, started_at, opened_at, last_alert_at, alert_count)
     VALUES ($1, 'default', 't', 'open', 'critical', $2, $3, $3, $3, 1)`,
    [id, service, seconds(openedAfter)],
  );
  await seedAlert(id, service, firedAfter);
}
async function seedAlert(incidentId: string, service: string, firedAfter: number): Promise<void> {
  const { sql } = store;
  const fingerprint = Buffer.from(`${incidentId}${service}${firedAfter}`).toString("hex").slice(-16);
  await sql.query(
    `INSERT INTO alerts (scope, fingerprint, name, service, severity, source, labels, annotations, status, starts_at, received_at, outcome, incident_id)
     VALUES ('default', $1, 'A', $2, 'critical', 'alertmanager', '{}', '{}', 'firing', $3, $3, 'incident', $4)`,
    [fingerprint, service, seconds(firedAfter), incidentId],
  );
  await sql.query(
    `INSERT INTO alert_transitions (dedupe_key, scope, fingerprint, status, starts_at, received_at, outcome, incident_id)
     VALUES ($1, 'default', $1, 'firing', $2, $2, 'incident', $3)`,
    [fingerprint, seconds(firedAfter), incidentId],
  );
  await sql.query(
    "INSERT INTO incident_members (incident_id, scope, fingerprint, role, reasons) VALUES ($1, 'default', $2, 'member', '[]')",
    [incidentId, fingerprint],
  );
}
async function seedCure(incidentId: string, cause: string, verb: string, after: number): Promise<void> {
  const { sql } = store;
  await sql.query("UPDATE incidents SET verdict = 'cause', diagnosis = $2::jsonb, state = 'closed', closed_at = $3 WHERE id = $1", [
    incidentId,
    JSON.stringify({ verdict: "cause", causes: [{ service: cause }], at: seconds(after) }),
    seconds(after + 30),
  ]);
  await sql.query(
    `INSERT INTO runs (id, incident_id, runbook, title, digest, parameters, state, requested_by, finished_at)
     VALUES ($1, $2, 'r', 'r', 'd', '{}', 'succeeded', 'test', $3)`,
    [`run-${incidentId}`, incidentId, seconds(after + 20)],
  );
  const step = (position: number, name: string) =>
    sql.query(
      `INSERT INTO run_steps (run_id, position, step_id, verb, role, state, started_at) VALUES ($1, $2, $3, $3, 'act', 'succeeded', $4)`,
      [`run-${incidentId}`, position, name, seconds(after + 1 + position)],
    );
  await step(0, "target.logs");
  await step(1, verb);
}

test("injects the fault and answers with a running drill", async () => {
  const { status, body } = await post({ fault: "hang", target: "payments", seconds: 60 });
  expect(status).toBe(201);
  expect(body).toMatchObject({
    state: "running",
    seconds: 60,
    at: { injected: seconds(0) },
    cause: { expected: "payments", right: false },
    action: { expected: "target.restart", right: false },
  });
  expect(lab.injected).toEqual(["hang into payments"]);
  expect(await get(`/drills/${body.id}`)).toEqual(body);
});

test.each([
  [{ fault: "flood", target: "payments" }, "FAULT_UNKNOWN", ["hang", "error-burst"]],
  [{ fault: "hang", target: "nobody" }, "TARGET_UNKNOWN", ["cart", "payments"]],
])("answers %j with 404 and the known names, and injects nothing", async (request, code, known) => {
  expect(await post(request)).toMatchObject({ status: 404, body: { code, known } });
  expect(lab.injected).toEqual([]);
  expect((await get<{ items: unknown[] }>("/drills")).items).toEqual([]);
});

test("refuses what is no drill, and names an unknown one", async () => {
  expect(await post({ fault: "hang", target: "payments", seconds: 5 })).toMatchObject({ status: 400, body: { code: "REQUEST_INVALID" } });
  expect(await get<{ code: string }>("/drills/drl_none")).toMatchObject({ status: 404, code: "DRILL_UNKNOWN" });
});

test("runs one drill on a target at a time, also when two are asked for at once", async () => {
  const both = await Promise.all([post({ fault: "hang", target: "cart" }), post({ fault: "error-burst", target: "cart" })]);
  expect(both.map((answer) => answer.status).sort()).toEqual([201, 409]);
  const begun = both.find((answer) => answer.status === 201)?.body.id;
  expect(both.find((answer) => answer.status === 409)?.body).toMatchObject({ code: "DRILL_TARGET_BUSY", drillId: begun });
  expect(lab.injected).toHaveLength(1);
  expect((await post({ fault: "hang", target: "payments" })).status).toBe(201);
});

test("records as failed what the lab did not inject, and frees the target", async () => {
  lab.refuse = new AppError("CHAOS_LAB_UNAVAILABLE", "the lab is away", { retryable: true });
  expect(await post({ fault: "hang", target: "cart" })).toMatchObject({ status: 503, body: { code: "CHAOS_LAB_UNAVAILABLE" } });
  const { items } = await get<{ items: DrillView[] }>("/drills");
  expect(items).toMatchObject([{ state: "failed", reason: "the lab is away" }]);
  delete lab.refuse;
  expect((await post({ fault: "hang", target: "cart" })).status).toBe(201);
});

test("follows its incident from the alert to the close, scores it and clears the fault", async () => {
  const { body: begun } = await post({ fault: "hang", target: "payments", seconds: 300 });
  await clock.advance(12_000);
  await seedIncident("inc_1", "payments", 12, 11);
  await drills.look();
  expect(await get(`/drills/${begun.id}`)).toMatchObject({
    state: "running",
    incidentId: "inc_1",
    at: { fired: seconds(11), incident: seconds(12) },
  });
  expect(lab.cleared).toEqual([]);
  await seedCure("inc_1", "payments", "target.restart", 15);
  await drills.look();
  expect(await get(`/drills/${begun.id}`)).toMatchObject({
    state: "passed",
    at: { cause: seconds(15), action: seconds(17), verified: seconds(35), closed: seconds(45) },
    cause: { found: "payments", right: true },
    action: { taken: "target.restart", right: true },
  });
  expect(lab.cleared).toEqual(["payments"]);
  await drills.look();
  expect(lab.cleared).toEqual(["payments"]);
});

test("prefers the incident that involves its target to an earlier one that does not", async () => {
  const { body: begun } = await post({ fault: "hang", target: "payments" });
  await seedIncident("inc_other", "cart", 5);
  await drills.look();
  expect((await get(`/drills/${begun.id}`)).incidentId).toBeUndefined();
  await seedIncident("inc_symptom", "storefront", 8);
  await seedAlert("inc_symptom", "payments", 9);
  await drills.look();
  expect((await get(`/drills/${begun.id}`)).incidentId).toBe("inc_symptom");
});

test("is not taken in by an incident that was over before the injection", async () => {
  await seedIncident("inc_old", "payments", -600);
  await seedCure("inc_old", "payments", "target.restart", -590);
  const { body: begun } = await post({ fault: "hang", target: "payments" });
  await drills.look();
  expect(await get(`/drills/${begun.id}`)).toEqual(begun);
});

test("finds the older incident that its alerts joined, and counts neither cause nor action from before", async () => {
  await seedIncident("inc_old", "payments", -600);
  await seedCure("inc_old", "payments", "target.rollback", -590);
  await store.sql.query("UPDATE incidents SET state = 'investigating', closed_at = NULL WHERE id = 'inc_old'");
  const { body: begun } = await post({ fault: "hang", target: "payments" });
  await seedAlert("inc_old", "payments", 10);
  await drills.look();
  const seen = await get(`/drills/${begun.id}`);
  expect(seen).toMatchObject({ incidentId: "inc_old", at: { fired: seconds(10), incident: seconds(10) } });
  expect(seen.at.action).toBeUndefined();
  expect(seen.at.cause).toBeUndefined();
});

test("fails at its deadline by itself and clears the fault", async () => {
  const { body: begun } = await post({ fault: "hang", target: "payments", seconds: 10 });
  const stop = new AbortController();
  const watching = drills.watch(stop.signal);
  while ((await get(`/drills/${begun.id}`)).state === "running") await clock.advance(2_000);
  expect(await get(`/drills/${begun.id}`)).toMatchObject({ state: "failed", reason: "not closed within 10 s: no incident was opened" });
  expect(clock.now() - Date.parse(begun.at.injected)).toBeGreaterThanOrEqual(10_000);
  stop.abort();
  await watching;
  expect(lab.cleared).toEqual(["payments"]);
});

test("lists the latest first, page by page", async () => {
  for (const target of ["cart", "payments"]) {
    await post({ fault: "hang", target });
    await clock.advance(1_000);
  }
  const first = await get<{ items: DrillView[]; next: string }>("/drills?limit=1");
  expect(first.items.map((drill) => drill.target)).toEqual(["payments"]);
  const second = await get<{ items: DrillView[]; next: null }>(`/drills?limit=1&cursor=${first.next}`);
  expect(second).toMatchObject({ items: [{ target: "cart" }], next: null });
  expect(await get<{ code: string }>("/drills?cursor=nonsense")).toMatchObject({ status: 400, code: "REQUEST_CURSOR_INVALID" });
});
