import type { Alert } from "@tocsin/contracts";
import { compileGraph, DEFAULT_CORRELATION } from "@tocsin/correlation";
import { silentLogger } from "@tocsin/runtime";
import { decisionsOf, moveIncident, openStore, type Store, viewIncident } from "@tocsin/store";
import { fakeClock } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { alert, SHOP, topology } from "../../../packages/correlation/test/alerts.ts";
import { correlateBatch } from "../src/correlate-batch.ts";
import { decideByPerson } from "../src/decide-by-person.ts";
import { createMetrics } from "../src/metrics.ts";
import { releaseQuietAlerts } from "../src/release-quiet.ts";
import type { TurnOptions } from "../src/store-turn.ts";
import { createWorkingSets } from "../src/working-sets.ts";

let store: Store;
const clock = fakeClock();
const graph = compileGraph(topology(SHOP), DEFAULT_CORRELATION.maxHops, DEFAULT_CORRELATION.hubDependents);

beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store.close());
beforeEach(async () => {
  await store.sql.query(
    "TRUNCATE incident_members, incidents, alerts, alert_transitions, event_log, correlation_scopes, alert_pairs, correlation_decisions CASCADE",
  );
});

/** What a process has: its own memory over the shared store. */
function processOptions(nowMs?: number): TurnOptions {
  const sets = createWorkingSets({ config: DEFAULT_CORRELATION, graph: () => graph, now: () => clock.now(), onReload: () => {} });
  const its = nowMs === undefined ? clock : { ...clock, now: () => nowMs };
  return { sql: store.sql, sets, config: DEFAULT_CORRELATION, clock: its, metrics: createMetrics(new Registry()) };
}

function correlatorProcess() {
  const options = processOptions();
  return (...alerts: Alert[]) => correlateBatch(alerts, options);
}

const events = async () =>
  (
    await store.sql.query<{ incident_id: string; kind: string; type: string }>(
      "SELECT incident_id, type, data->>'kind' AS kind FROM event_log ORDER BY seq",
    )
  ).rows;
const incidents = async () =>
  (await store.sql.query<{ id: string; title: string; state: string; alert_count: number }>("SELECT * FROM incidents ORDER BY started_at"))
    .rows;

const leak = { name: "MemoryGrowing", service: "payments", severity: "critical" } as const;
const errors = { name: "HighErrorRate", service: "checkout", at: 30 } as const;

test("a fault and its symptom become one incident whose members carry their reasons and roles", async () => {
  const take = correlatorProcess();
  await take(alert(leak));
  await take(alert(errors));
  const [incident] = await incidents();
  expect(await incidents()).toHaveLength(1);
  expect(incident).toMatchObject({
    title: "payments: MemoryGrowing (+1 symptom)",
    severity: "critical",
    service: "payments",
    alert_count: 2,
  });
  const view = await viewIncident(store.sql, incident?.id as string);
  expect(view?.members.map(({ name, role }) => [name, role])).toEqual([
    ["MemoryGrowing", "root"],
    ["HighErrorRate", "symptom"],
  ]);
  expect(view?.members[1]?.reasons.map(({ kind }) => kind)).toEqual(["topology", "time", "role:topology-direction"]);
  expect((await events()).map(({ kind }) => kind)).toEqual(["opened", "joined"]);
});

test("delivering the same batch three times changes nothing", async () => {
  const take = correlatorProcess();
  const batch = [alert(leak), alert(errors), alert({ ...leak, endsAt: 100 })];
  await take(...batch);
  const before = [await incidents(), await events()];
  await take(...batch);
  await correlatorProcess()(...batch);
  expect([await incidents(), await events()].map((rows) => JSON.stringify(rows))).toEqual(before.map((rows) => JSON.stringify(rows)));
});

test("a process that starts anew goes on where the last one stopped", async () => {
  await correlatorProcess()(alert(leak));
  await correlatorProcess()(alert(errors));
  expect(await incidents()).toMatchObject([{ alert_count: 2 }]);
});

test("two processes that share a scope see each other's incidents", async () => {
  const [one, other] = [correlatorProcess(), correlatorProcess()];
  await one(alert(leak));
  await other(alert(errors));
  await one(alert({ name: "HighLatency", service: "storefront", at: 60 }));
  expect(await incidents()).toMatchObject([{ alert_count: 3 }]);
});

test("tells of the recovery when the last member resolves, and of the return when one fires again", async () => {
  const take = correlatorProcess();
  await take(alert(leak), alert(errors));
  await take(alert({ ...errors, endsAt: 120 }));
  expect((await events()).at(-1)?.kind).toBe("joined");
  await take(alert({ ...leak, endsAt: 150 }));
  expect((await events()).at(-1)?.kind).toBe("recovered");
  await take(alert({ ...leak, at: 200 }));
  expect((await events()).at(-1)).toMatchObject({ kind: "refired", type: "dev.tocsin.incident.refired.v1" });
  expect(await incidents()).toHaveLength(1);
});

test("a closed incident never changes: the alert that returns opens a new one that refers to it", async () => {
  const take = correlatorProcess();
  await take(alert(leak));
  await take(alert({ ...leak, endsAt: 60 }));
  const [closed] = await incidents();
  await store.sql.transaction(async (tx) => {
    const move = { source: "/test", nowMs: clock.now(), text: "done" } as const;
    await moveIncident(tx, { ...move, incidentId: closed?.id as string, to: "closed", from: ["open"] });
  });
  // This process still believes the incident to be open.
  await take(alert({ ...leak, at: 120 }));
  const [first, second] = await incidents();
  expect(first).toMatchObject({ state: "closed", alert_count: 1 });
  expect(second).toMatchObject({ state: "open" });
  const opened = await store.sql.query<{ text: string }>("SELECT data->>'text' AS text FROM event_log WHERE incident_id = $1", [
    second?.id,
  ]);
  expect(opened.rows[0]?.text).toContain(closed?.id);
});

test("the same alert after its incident was closed recovers at once, however often within half an hour", async () => {
  const take = correlatorProcess();
  for (let episode = 0; episode < 4; episode++) {
    await take(alert({ ...leak, at: episode * 120 }));
    await take(alert({ ...leak, at: episode * 120, endsAt: episode * 120 + 60 }));
    expect((await events()).at(-1)?.kind, `episode ${episode}`).toBe("recovered");
    const open = (await incidents()).find(({ state }) => state === "open");
    await store.sql.query("UPDATE incidents SET state = 'closed', closed_at = now() WHERE id = $1", [open?.id]);
  }
  expect(await incidents()).toHaveLength(4);
});

test("an incident that others resolved meanwhile takes in no new fault of its service", async () => {
  const take = correlatorProcess();
  await take(alert(leak));
  await take(alert({ ...leak, endsAt: 60 }));
  // This process still believes it to be open.
  await store.sql.query("UPDATE incidents SET state = 'resolved', resolved_at = now()");
  await take(alert({ name: "HighLatency", service: "payments", at: 120 }));
  expect((await incidents()).map(({ state, alert_count }) => [state, alert_count])).toEqual([
    ["resolved", 1],
    ["open", 1],
  ]);
});

test("every acknowledged transition has exactly one outcome, watchdogs and late ones too", async () => {
  const take = correlatorProcess();
  await take(alert(leak), alert({ name: "Watchdog" }), alert({ name: "Gone", service: "cart", endsAt: 5 }));
  await take(alert({ ...leak, endsAt: 60 }));
  await take(alert({ ...leak, at: 10 }));
  const { rows } = await store.sql.query<{ outcome: string; reason: string }>(
    "SELECT outcome, reason FROM alert_transitions ORDER BY fingerprint, received_at",
  );
  expect(rows).toHaveLength(5);
  expect(rows.filter(({ outcome }) => outcome === "suppressed").map(({ reason }) => reason.split(":")[0])).toEqual(
    expect.arrayContaining(["watchdog", "resolved-unseen"]),
  );
  expect(await incidents()).toHaveLength(1);
});

test("a transaction that fails leaves nothing behind, and the next delivery of the batch succeeds", async () => {
  const options = processOptions();
  const dying = {
    ...store.sql,
    transaction: <T>(work: (tx: never) => Promise<T>): Promise<T> =>
      store.sql.transaction(async (tx) => {
        await work(tx as never);
        throw new Error("power cut between the last write and the commit");
      }),
  };
  await expect(correlateBatch([alert(leak)], { ...options, sql: dying })).rejects.toThrow("power cut");
  expect(await incidents()).toHaveLength(0);
  await correlateBatch([alert(leak)], options);
  expect(await incidents()).toHaveLength(1);
  expect(await events()).toHaveLength(1);
});

test("text that Postgres refuses does not stop a batch", async () => {
  const take = correlatorProcess();
  await take(alert({ name: "Odd", service: "cart", text: "a\u0000b\ud800c" }));
  expect(await incidents()).toHaveLength(1);
});

test("what a person wants merged is merged once, and still is after a restart", async () => {
  const take = correlatorProcess();
  await take(alert(leak), alert({ name: "CpuSpinning", service: "catalog", at: 1 }));
  const [into, from] = await incidents();
  const wish = { kind: "merge", id: "wish-1", intoId: into?.id as string, fromId: from?.id as string, by: "ada" } as const;
  expect(await decideByPerson(wish, processOptions())).toBeUndefined();
  expect(await decideByPerson(wish, processOptions())).toMatch(/closed or unknown/);
  expect((await incidents()).map(({ state, alert_count }) => [state, alert_count])).toEqual([
    ["open", 2],
    ["closed", 0],
  ]);
  expect(await decisionsOf(store.sql, into?.id as string)).toMatchObject([{ kind: "merge", decidedBy: "ada", undoneBy: null }]);
  const split = { kind: "split", id: "wish-2", incidentId: into?.id as string, fingerprints: alert(leak).fingerprint, by: "ada" } as const;
  expect(await decideByPerson(split, processOptions())).toBeUndefined();
  expect((await incidents()).map(({ state, alert_count }) => [state, alert_count]).sort()).toEqual([
    ["closed", 0],
    ["open", 1],
    ["open", 1],
  ]);
  await correlatorProcess()(alert({ name: "HighErrorRate", service: "storefront", at: 20 }));
  expect((await incidents()).filter(({ state }) => state === "open")).toHaveLength(2);
});

test("a flapping alert recovers after it has been quiet, whichever process looks", async () => {
  const take = correlatorProcess();
  for (let i = 0; i < 3; i++) {
    await take(alert({ ...errors, at: i * 60 }));
    await take(alert({ ...errors, at: i * 60, endsAt: i * 60 + 30 }));
  }
  expect((await events()).at(-1)?.kind).not.toBe("recovered");
  const lastEnd = Date.parse(alert({ ...errors, at: 120, endsAt: 150 }).endsAt as string);
  expect(await releaseQuietAlerts(processOptions(lastEnd + DEFAULT_CORRELATION.flappingHoldMs - 1))).toBe(0);
  expect(await releaseQuietAlerts(processOptions(lastEnd + DEFAULT_CORRELATION.flappingHoldMs))).toBe(1);
  expect((await events()).at(-1)?.kind).toBe("recovered");
  expect(await releaseQuietAlerts(processOptions(lastEnd + 2 * DEFAULT_CORRELATION.flappingHoldMs))).toBe(0);
});
