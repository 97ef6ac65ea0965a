// The whole module on a real store and the embedded bus: events in, jobs, events out. Only the signals and the executor are played.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBus } from "@tocsin/bus";
import { ActionFinished, eventOf, IncidentRecovered, IncidentRefired } from "@tocsin/contracts";
import { createTeardown, isoTime, silentLogger, systemClock, type Teardown } from "@tocsin/runtime";
import { appendEvents, openStore, type Store, startRelay, viewIncident } from "@tocsin/store";
import { eventually } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sreAgent } from "../src/module.ts";
import { endRun, fakeSignals, noModel, RUNBOOK, recover, refire, type System, seedIncident, stateOf, toldOf, wellSystem } from "./fakes.ts";

let store: Store;
let teardown: Teardown;
const registry = new Registry();
const system: System = { ...wellSystem(), illFor: 60 };

beforeAll(async () => {
  teardown = createTeardown(silentLogger);
  const { onStop } = teardown;
  const runbooksDir = await mkdtemp(join(tmpdir(), "tocsin-runbooks-"));
  onStop("remove runbooks", () => rm(runbooksDir, { recursive: true }));
  await writeFile(join(runbooksDir, "roll-back.md"), RUNBOOK);
  store = await openStore({ url: "embedded:memory", log: silentLogger });
  onStop("close store", () => store.close());
  const bus = await openBus({ url: "embedded:", log: silentLogger, sql: store.sql });
  onStop("close bus", () => bus.close());
  const relay = await startRelay({ sql: store.sql, publish: (events) => bus.publish(events), log: silentLogger });
  onStop("stop relay", () => relay.stop());
  const config = sreAgent.config.parse({
    runbooksDir,
    settleSeconds: "0",
    soakSeconds: "0.2",
    verifyEverySeconds: "0.1",
    closeAfterSeconds: "0.3",
    verifyWithinSeconds: "4",
  });
  const context = {
    config,
    bus,
    store,
    signals: fakeSignals(system),
    llm: noModel,
    http: { mount: () => Promise.resolve() },
    log: silentLogger,
    registry,
    clock: systemClock,
    onStop,
    onReady: () => {},
    effectiveConfig: { host: {}, modules: {} } as never,
    fail: (error: unknown) => {
      throw error;
    },
  };
  await sreAgent.start(context as unknown as Parameters<typeof sreAgent.start>[0]);
});
afterAll(() => teardown.run());

const until = (id: string, state: string) =>
  eventually(`${id} is ${state}`, async () => ((await stateOf(store, id)) === state ? state : undefined), 15_000);

async function tellFinished(id: string, state: "succeeded" | "failed" | "refused", reason?: string): Promise<void> {
  await endRun(store, id, state, reason);
  const run = (await viewIncident(store.sql, id))?.runs.at(-1);
  if (!run) throw new Error("no run");
  const at = isoTime(Date.now());
  await store.sql.transaction((tx) =>
    appendEvents(tx, [
      eventOf(
        ActionFinished,
        { id: `${run.id}:finished`, source: "/tocsin/executor", time: at },
        { incidentId: id, at, kind: state, text: state, runId: run.id, runbook: run.runbook, digest: run.digest, state },
      ),
    ]),
  );
}

async function tellFact(id: string, definition: typeof IncidentRecovered, nth = 1): Promise<void> {
  const at = isoTime(Date.now());
  await store.sql.transaction((tx) =>
    appendEvents(tx, [
      eventOf(
        definition,
        { id: `${id}:${definition.type}:${nth}`, source: "/tocsin/correlator", time: at },
        { incidentId: id, at, kind: "alerts", text: "alerts changed", state: "investigating" },
      ),
    ]),
  );
}

test("from opened to closed: cause, run, verification with its facts, analysis", async () => {
  system.illFor = 60;
  await seedIncident(store, "inc_full");
  await until("inc_full", "mitigating");
  await tellFinished("inc_full", "succeeded");
  await until("inc_full", "verifying");
  // The executor says it is done; the alerts still fire, so nothing is resolved yet.
  expect((await toldOf(store, "inc_full")).map((each) => each.kind)).not.toContain("verified");
  system.illFor = undefined;
  await recover(store, "inc_full");
  await until("inc_full", "closed");
  const incident = await viewIncident(store.sql, "inc_full");
  expect(incident?.analysis).toContain("It was fixed and the fix was verified");
  expect(incident?.analysis).toContain("## Verification");
  expect(incident?.timeline.map((each) => each.kind)).toEqual([
    "opened",
    "investigating",
    "mitigating",
    "requested",
    "succeeded",
    "verifying",
    "resolved",
    "closed",
  ]);
  const kinds = (await toldOf(store, "inc_full")).flatMap((each) => (each.phase === "verify" || each.phase === "close" ? [each.kind] : []));
  expect(kinds).toEqual(["started", "healthy", "verified", "closed"]);
  expect(await registry.getSingleMetricAsString("tocsin_sre_agent_time_to_close_seconds")).toContain('_count{how="mitigated"} 1');
});

test("an incident that recovers by itself is verified, closed and said to have done so", async () => {
  system.illFor = undefined;
  await seedIncident(store, "inc_self");
  await recover(store, "inc_self");
  await tellFact("inc_self", IncidentRecovered);
  await until("inc_self", "closed");
  const incident = await viewIncident(store.sql, "inc_self");
  expect(incident?.analysis).toContain("It recovered by itself, without an action of ours");
  expect(incident?.runs).toEqual([]);
});

test("a run that was refused goes to a person with the reason", async () => {
  system.illFor = 60;
  await seedIncident(store, "inc_refused");
  await until("inc_refused", "mitigating");
  await tellFinished("inc_refused", "refused", "the red button is on");
  await until("inc_refused", "escalated");
  const incident = await viewIncident(store.sql, "inc_refused");
  expect(incident?.escalation).toBe("roll-back was refused: the red button is on. A person has to look.");
  expect(incident?.analysis).toContain("the red button is on");
});

test("a run that did not help is not asked for again: the second round hands it over", async () => {
  system.illFor = 60;
  await seedIncident(store, "inc_failed");
  await until("inc_failed", "mitigating");
  await tellFinished("inc_failed", "failed", "still failing");
  await until("inc_failed", "escalated");
  const incident = await viewIncident(store.sql, "inc_failed");
  expect(incident?.escalation).toContain("roll-back was tried and did not help");
  expect(incident?.runs).toHaveLength(1);
});

test("a fix that does not show in time is looked at once more, then goes to a person", async () => {
  system.illFor = 60;
  await seedIncident(store, "inc_late");
  await until("inc_late", "mitigating");
  await tellFinished("inc_late", "succeeded");
  await until("inc_late", "escalated");
  const incident = await viewIncident(store.sql, "inc_late");
  const again = incident?.timeline.find((each) => each.kind === "investigating" && each.text.includes("did not bring it back"));
  expect(again?.text).toMatch(/alerts still fire; .*error ratio is still at 50 %/);
  expect(incident?.escalation).toContain("roll-back was tried and did not last");
  expect(incident?.runs).toHaveLength(1);
});

test("an alert that fires again after it was resolved begins another round, and the same remedy is not tried twice", async () => {
  system.illFor = 60;
  await seedIncident(store, "inc_again");
  await until("inc_again", "mitigating");
  await tellFinished("inc_again", "succeeded");
  system.illFor = undefined;
  await recover(store, "inc_again");
  await until("inc_again", "resolved");
  system.illFor = 60;
  await refire(store, "inc_again");
  await tellFact("inc_again", IncidentRefired);
  await until("inc_again", "escalated");
  expect((await viewIncident(store.sql, "inc_again"))?.escalation).toContain("roll-back was tried and did not last");
  const { rows } = await store.sql.query<{ round: number }>(
    "SELECT round FROM investigations WHERE incident_id = 'inc_again' ORDER BY round",
  );
  expect(rows.map((row) => row.round)).toEqual([1, 2]);
});
