import type { Diagnosis } from "@tocsin/contracts";
import { silentLogger } from "@tocsin/runtime";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Store } from "../../src/database.ts";
import { openStore } from "../../src/open-store.ts";
import {
  diagnosisOf,
  earlierIncidents,
  finishInvestigation,
  incidentsUnderWork,
  incidentWork,
  insertInvestigation,
  latestInvestigation,
  readGathered,
  saveAnalysis,
  saveDiagnosis,
  saveGathered,
  saveOutcome,
  saveVerification,
} from "../../src/repositories/investigations.ts";

let store: Store;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store.close());

const AT = "2026-01-01T10:00:00.000Z";
let number = 0;
let id: string;
beforeEach(async () => {
  id = `inc_${number++}`;
  await insert(id, "open", AT);
  await insertInvestigation(store.sql, id, 1, "it opened", AT);
});

async function insert(
  incident: string,
  state: string,
  startedAt: string,
  recoveredAt: string | null = null,
  scope = "default",
): Promise<void> {
  await store.sql.query(
    `INSERT INTO incidents (id, scope, title, state, severity, service, started_at, last_alert_at, recovered_at)
     VALUES ($1, $2, 'a title', $3, 'critical', 'storefront', $4, $4, $5)`,
    [incident, scope, state, startedAt, recoveredAt],
  );
}

const diagnosis = (text: string): Diagnosis => ({
  verdict: "cause",
  causes: [{ service: "payments", kind: "crash", score: 3, confidence: 0.8, text, evidence: [`ev_${id}`] }],
  evidence: [{ id: `ev_${id}`, kind: "log", text }],
  missing: [],
  at: AT,
});

test("a round is begun once, and the latest is the one that counts", async () => {
  await insertInvestigation(store.sql, id, 1, "again", AT);
  expect(await latestInvestigation(store.sql, id)).toMatchObject({ round: 1, reason: "it opened", hasGathered: false, outcome: undefined });
  await insertInvestigation(store.sql, id, 2, "it fired again", AT);
  expect(await latestInvestigation(store.sql, id)).toMatchObject({ round: 2, reason: "it fired again" });
});

test("what was gathered first stays, whatever is gathered later", async () => {
  await saveGathered(store.sql, id, 1, { series: [[1, 2.5]], text: "ünïcode \u0000" });
  await saveGathered(store.sql, id, 1, { series: [] });
  expect(await readGathered(store.sql, id, 1)).toEqual({ series: [[1, 2.5]], text: "ünïcode \u0000" });
  expect(await readGathered(store.sql, id, 2)).toBeUndefined();
});

test("a diagnosis names the incident's service and leaves its evidence beside it; told again it says the latest", async () => {
  await saveDiagnosis(store.sql, id, 1, diagnosis("it exits"), { watches: [] }, AT);
  await saveDiagnosis(store.sql, id, 1, diagnosis("it exits with code 1"), { watches: [] }, AT);
  expect((await diagnosisOf(store.sql, id))?.causes[0]?.text).toBe("it exits with code 1");
  const { rows } = await store.sql.query("SELECT body->>'text' AS text FROM evidence WHERE incident_id = $1", [id]);
  expect(rows).toEqual([{ text: "it exits with code 1" }]);
  const named = await store.sql.query("SELECT service, verdict FROM incidents WHERE id = $1", [id]);
  expect(named.rows).toEqual([{ service: "payments", verdict: "cause" }]);
});

test("log text that PostgreSQL would refuse is stored readable", async () => {
  await saveDiagnosis(store.sql, id, 1, diagnosis("NUL \u0000 and half a pair \ud800"), {}, AT);
  expect((await diagnosisOf(store.sql, id))?.causes[0]?.text).toBe("NUL \uFFFD and half a pair \uFFFD");
});

test("an inconclusive diagnosis leaves the service as it was", async () => {
  await saveDiagnosis(store.sql, id, 1, { ...diagnosis("?"), verdict: "inconclusive" }, {}, AT);
  expect((await store.sql.query("SELECT service FROM incidents WHERE id = $1", [id])).rows).toEqual([{ service: "storefront" }]);
});

test("an outcome is decided once", async () => {
  await saveOutcome(store.sql, id, 1, { kind: "run" });
  await saveOutcome(store.sql, id, 1, { kind: "escalate" });
  expect((await latestInvestigation(store.sql, id))?.outcome).toEqual({ kind: "run" });
});

test("a round ends once; its verification is kept", async () => {
  await finishInvestigation(store.sql, id, 1, AT);
  await finishInvestigation(store.sql, id, 1, "2026-01-01T11:00:00.000Z");
  await saveVerification(store.sql, id, 1, { verifySince: AT, healthySince: undefined });
  expect(await latestInvestigation(store.sql, id)).toMatchObject({ finishedAt: AT, verifySince: AT, healthySince: undefined });
});

test("the same analysis written again changes nothing that others would have to look at", async () => {
  await saveAnalysis(store.sql, id, "# a", AT);
  const before = (await store.sql.query<{ revision: number }>("SELECT revision FROM incidents WHERE id = $1", [id])).rows;
  await saveAnalysis(store.sql, id, "# a", AT);
  expect((await store.sql.query("SELECT revision FROM incidents WHERE id = $1", [id])).rows).toEqual(before);
});

test("earlier incidents are those of the scope that were over before, back to a time", async () => {
  const scope = `scope_${id}`;
  await insert(`${id}_over`, "closed", "2026-01-01T09:00:00.000Z", "2026-01-01T09:05:00.000Z", scope);
  await insert(`${id}_long_ago`, "closed", "2026-01-01T07:00:00.000Z", "2026-01-01T07:05:00.000Z", scope);
  await insert(`${id}_still`, "mitigating", "2026-01-01T09:30:00.000Z", null, scope);
  await insert(`${id}_elsewhere`, "closed", "2026-01-01T09:00:00.000Z", "2026-01-01T09:05:00.000Z", `${scope}_other`);
  expect(await earlierIncidents(store.sql, scope, "2026-01-01T08:00:00.000Z", AT)).toEqual([
    { startedAt: "2026-01-01T09:00:00.000Z", endedAt: "2026-01-01T09:05:00.000Z" },
  ]);
});

test("closed and escalated incidents are nobody's work", async () => {
  await insert(`${id}_closed`, "closed", AT);
  await insert(`${id}_escalated`, "escalated", AT);
  const ids = (await incidentsUnderWork(store.sql)).map((each) => each.id);
  expect(ids).toContain(id);
  expect(ids).not.toContain(`${id}_closed`);
  expect(ids).not.toContain(`${id}_escalated`);
  expect(await incidentWork(store.sql, "nobody")).toBeUndefined();
});
