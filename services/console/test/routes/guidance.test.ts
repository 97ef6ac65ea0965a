import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isoTime } from "@tocsin/runtime";
import { insertAutonomyChange, readJournal } from "@tocsin/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConsoleUnderTest, consoleUnderTest } from "../console-under-test.ts";
import { STORY, seedStory } from "../story.ts";

let under: ConsoleUnderTest;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tocsin-no-bundle-"));
  under = await consoleUnderTest(folder);
  await seedStory(under.store.sql);
});
afterAll(async () => {
  await under.stop();
  rmSync(folder, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of it
async function call(path: string, body?: unknown): Promise<{ status: number; body: any }> {
  const answer = await fetch(
    `${under.address}/api/v1${path}`,
    body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
  );
  return { status: answer.status, body: await answer.json() };
}
const path = `/incidents/${STORY}/guidance`;

test("runbooks that read like the incident are suggested with what they share, plain ones among them", async () => {
  const { body } = await call(path);
  expect(body.items).toEqual([]);
  expect(body.suggestions.length).toBeGreaterThan(0);
  expect(body.suggestions[0]).toMatchObject({ because: expect.arrayContaining([expect.any(String)]) });
});

test("a plain runbook is followed step by step, and who did what is in the timeline and the journal", async () => {
  const begun = await call(path, { guidance: "DatabaseFailover", by: "ada" });
  expect(begun.body.items).toMatchObject([{ guidance: "DatabaseFailover", path: "_guidance/DatabaseFailover.md", by: "ada", ticks: [] }]);
  expect(begun.body.items[0].steps).toHaveLength(7);
  expect(begun.body.items[0].steps[3]).toMatchObject({ section: "Mitigation", text: expect.stringContaining("old primary") });

  const ticked = await call(`${path}/DatabaseFailover/steps/3`, { done: true, by: "bob", note: "address taken away" });
  expect(ticked.body.items[0].ticks).toMatchObject([{ position: 3, by: "bob", note: "address taken away" }]);
  await call(`${path}/DatabaseFailover/steps/3`, { done: true, by: "eve" }); // done is done: the first keeps it
  const again = await call(path, { guidance: "DatabaseFailover", by: "eve" });
  expect(again.body.items[0]).toMatchObject({ by: "ada", ticks: [{ by: "bob" }] });
  const back = await call(`${path}/DatabaseFailover/steps/3`, { done: false, by: "bob" });
  expect(back.body.items[0].ticks).toEqual([]);

  const { body: incident } = await call(`/incidents/${STORY}`);
  const told = incident.timeline.filter((entry: { kind: string }) => entry.kind.startsWith("guidance-"));
  expect(told.map((entry: { kind: string }) => entry.kind)).toEqual(["guidance-begun", "guidance-done", "guidance-undone"]);
  expect(told[1].text).toBe(
    "bob did step 4 of DatabaseFailover: Make sure that the old primary cannot take writes: stop it, or take its address away. (address taken away)",
  );
  const entries = await readJournal(under.store.sql, { afterSeq: 0, limit: 100, subject: STORY });
  expect(entries.filter(({ action }) => action.startsWith("guidance.")).map(({ actor }) => actor)).toEqual(["ada", "bob", "bob"]);
});

test("what is not there is not followed", async () => {
  expect(await call(path, { guidance: "../../etc/passwd" })).toMatchObject({ status: 404, body: { code: "GUIDANCE_UNKNOWN" } });
  expect(await call(`${path}/DatabaseFailover/steps/99`, { done: true })).toMatchObject({
    status: 404,
    body: { code: "GUIDANCE_UNKNOWN" },
  });
  expect(await call("/incidents/inc_none/guidance")).toMatchObject({ status: 404, body: { code: "INCIDENT_UNKNOWN" } });
});

test("a proposal is shown, and a person's answer to it is kept with its reason and journalled", async () => {
  const proposal = {
    runbook: "hung-restart",
    environment: "production",
    kind: "proposed",
    reason: "20 of 20 helped",
    by: "module:executor",
  } as const;
  await insertAutonomyChange(under.store.sql, { ...proposal, id: "run_1:proposed", at: isoTime(Date.now()) });
  const answer = { environment: "production", decision: "promoted", by: "ada", reason: "I looked at them" };
  expect(await call("/runbooks/hung-restart/autonomy", answer)).toMatchObject({ status: 200, body: { kind: "promoted", by: "ada" } });
  expect((await call("/autonomy?runbook=hung-restart")).body.items).toMatchObject([
    { kind: "promoted", reason: "I looked at them" },
    { kind: "proposed", reason: "20 of 20 helped" },
  ]);
  const entries = await readJournal(under.store.sql, { afterSeq: 0, limit: 100, subject: "runbook:hung-restart" });
  expect(entries).toMatchObject([{ action: "autonomy.promoted", actor: "ada", body: { environment: "production" } }]);
  expect((await call("/runbooks/hung-restart/autonomy", { ...answer, decision: "L4" })).status).toBe(400);
});
