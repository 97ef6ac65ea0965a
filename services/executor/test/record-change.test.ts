import { PolicyConfig } from "@tocsin/runbooks";
import { isoTime } from "@tocsin/runtime";
import { autonomyChanges, insertAutonomyChange, readJournal } from "@tocsin/store";
import { expect, test } from "vitest";
import { openWorld, parsed, runbookText, STEPS, type World } from "./support/world.ts";

const restart = parsed(runbookText("restart", [STEPS.restart]), "restart");
const DAY = 86_400_000;
let world: World;

/** Runs of the past, all of them ended as said. */
async function past(count: number, state: "succeeded" | "failed", regressed = false): Promise<void> {
  const ended = (i: number) => isoTime(world.clock.now() - DAY - i * 60_000);
  for (let i = 0; i < count; i++)
    await world.store.sql.query(
      `INSERT INTO runs (id, incident_id, runbook, title, digest, parameters, state, requested_by, requested_at, started_at, finished_at, regressed)
       VALUES ($1, 'inc_1', 'restart', 'restart', 'sha256:0', '{}', $2, 'sre-agent', $3, $3, $3, $4)`,
      [`past_${state}_${i}_${regressed}`, state, ended(i), regressed],
    );
}

async function open(policy: PolicyConfig): Promise<void> {
  world = await openWorld([restart], policy);
  await world.incident("inc_1", "payments");
  world.signals.now = () => ({ up: 1, error_ratio: world.targets.calls.length > 0 ? 0 : 0.6 });
}
const changes = async () => (await autonomyChanges(world.store.sql, { limit: 10 })).map(({ kind, by }) => `${kind} by ${by}`);
const policy = PolicyConfig.parse({ autonomy: "L3", limits: { perServicePerHour: 100, globalPerHour: 1_000 } });

test("a second failure takes a runbook from L3 to L2 at once, and says why in the timeline and the journal", async () => {
  await open(policy);
  await past(1, "failed");
  world.signals.now = () => ({ up: 1, error_ratio: 0.6 });
  await world.request("run_1", "inc_1", "payments", restart);
  await world.work("run_1", { environment: "production" });
  expect(await world.run("run_1")).toMatchObject({ state: "failed" });
  expect(await changes()).toEqual(["demoted by module:executor"]);
  expect(await world.told("run_1")).toEqual(expect.arrayContaining(["runbook-demoted", "finished"]));
  const entries = await readJournal(world.store.sql, { afterSeq: 0, limit: 100, subject: "runbook:restart" });
  expect(entries).toMatchObject([{ action: "autonomy.demoted", body: { run: "run_1", environment: "production" } }]);
  expect(entries[0]?.body["reason"]).toContain("0 of 2 runs helped in 30 days");

  // And it is asked for from now on, even when the failures are long past.
  await world.store.sql.query(
    "UPDATE runs SET started_at = started_at - interval '40 days', finished_at = finished_at - interval '40 days'",
  );
  await world.request("run_2", "inc_1", "payments", restart);
  await world.work("run_2", { environment: "production" });
  expect(await world.run("run_2")).toMatchObject({ state: "awaiting-approval" });
});

test("a good record is proposed to a person, once, and changes nothing by itself; the person's yes does", async () => {
  await open(PolicyConfig.parse({ limits: { perServicePerHour: 100, globalPerHour: 1_000, promoteRuns: 3, cooldownSeconds: [1] } }));
  await past(3, "succeeded");
  const { judgeRecord } = await import("../src/record-change.ts");
  const where = { policy: world.options.policy, environment: "production", plan: { autonomy: "L3", risk: "low" } as const };
  await world.request("run_0", "inc_1", "payments", restart);
  const judge = async () => {
    const run = await world.run("run_0");
    await world.store.sql.transaction((tx) => judgeRecord(tx, where, run, world.clock.now()));
  };
  const wanted = await world.run("run_0");
  const capped = { ...where, plan: { autonomy: "L2", risk: "low" } as const };
  await world.store.sql.transaction((tx) => judgeRecord(tx, capped, wanted, world.clock.now()));
  expect(await changes(), "a runbook that may not rise is not proposed").toEqual([]);
  await judge();
  await judge();
  expect(await changes()).toEqual(["proposed by module:executor"]);
  await world.request("run_1", "inc_1", "payments", restart);
  await world.work("run_1", { environment: "production" });
  expect(await world.run("run_1")).toMatchObject({ state: "awaiting-approval" });

  const yes = { id: "chg_1", runbook: "restart", environment: "production", kind: "promoted", reason: "it is good", by: "alice" } as const;
  await insertAutonomyChange(world.store.sql, { ...yes, at: isoTime(world.clock.now()) });
  await world.request("run_2", "inc_1", "payments", restart);
  await world.work("run_2", { environment: "production" });
  expect(await world.run("run_2")).toMatchObject({ state: "succeeded" });
  expect(await changes()).toEqual(["promoted by alice", "proposed by module:executor"]);
});

test("who was told no is not asked again while the record is the same", async () => {
  await open(PolicyConfig.parse({ limits: { promoteRuns: 3 } }));
  await past(3, "succeeded");
  const no = { id: "chg_1", runbook: "restart", environment: "production", kind: "declined", reason: "not yet", by: "alice" } as const;
  await insertAutonomyChange(world.store.sql, { ...no, at: isoTime(world.clock.now()) });
  const { judgeRecord } = await import("../src/record-change.ts");
  const plan = { autonomy: "L3", risk: "low" } as const;
  const where = { policy: world.options.policy, environment: "production", plan };
  await world.request("run_0", "inc_1", "payments", restart);
  const run = await world.run("run_0");
  await world.store.sql.transaction((tx) => judgeRecord(tx, where, run, world.clock.now()));
  expect(await changes()).toEqual(["declined by alice"]);
});
