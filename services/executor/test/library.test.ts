import { fileURLToPath } from "node:url";
import { acts, planWith, type Runbook } from "@tocsin/runbooks";
import { silentLogger } from "@tocsin/runtime";
import { approvalOfRun, decideApproval, insertRequestedRun, stepsOfRun, viewIncident } from "@tocsin/store";
import { beforeAll, expect, test } from "vitest";
import { dryRun } from "../src/dry-run.ts";
import { gatherOutside } from "../src/facts.ts";
import { differences } from "../src/probe.ts";
import { openLibrary } from "../src/runbook-library.ts";
import { aTarget } from "./support/fake-targets.ts";
import { parametersOf, stuck } from "./support/stuck.ts";
import { openWorld, type World } from "./support/world.ts";

// Every runbook of the library, as it is shipped: dry run without a touch, and undone field by field when it does not help.
const folder = fileURLToPath(new URL("../../../runbooks", import.meta.url));
let library: readonly Runbook[];
beforeAll(async () => {
  library = (await openLibrary(folder, silentLogger)).runbooks;
  expect(library.length).toBeGreaterThanOrEqual(25);
});

async function ask(world: World, runbook: Runbook, runId: string): Promise<void> {
  const plan = planWith(runbook, parametersOf(runbook, "payments"));
  if (plan.kind === "refused") throw new Error(plan.reason);
  const { title } = runbook;
  const run = { id: runId, incidentId: `inc_${runId}`, runbook: runbook.id, title, digest: plan.digest, parameters: plan.parameters };
  await world.store.sql.transaction((tx) =>
    insertRequestedRun(tx, { ...run, requestedBy: "sre-agent", text: "wanted" }, world.clock.now()),
  );
}

test("a dry run of any runbook says what would be done and touches nothing", async () => {
  const world = await openWorld(library);
  await world.incident("inc_1", "payments");
  const incident = await viewIncident(world.store.sql, "inc_1");
  if (!incident) throw new Error("no incident");
  for (const runbook of library) {
    const plan = planWith(runbook, parametersOf(runbook, "payments"));
    if (plan.kind === "refused") throw new Error(`${runbook.id}: ${plan.reason}`);
    const outside = await gatherOutside(world.options, plan, runbook, incident, undefined);
    const found = await dryRun(world.options, plan, incident, outside);
    expect(found.steps.length, runbook.id).toBe(runbook.steps.length);
    expect(found.text).toContain(plan.effect);
    expect(found.text, runbook.id).not.toMatch(/\{\{(?!before)/);
    for (const id of plan.targets) expect(found.text).toContain(`${id}: 1 of 1 replicas healthy, revision v2`);
  }
  expect(world.targets.calls).toEqual([]);
});

test("a runbook of every kind that acts and does not help leaves the target as it was, and says that it failed", async () => {
  const world = await openWorld(library);
  world.stepMs = 5_000;
  const acting = library.filter((runbook) => runbook.steps.some((step) => step.undo !== undefined || step.irreversible));
  expect(acting.length).toBeGreaterThan(15);
  // The library on Docker shows every one; here, where there is no Docker, one for each way of acting, and what cannot be undone.
  const ways = Map.groupBy(acting, (runbook) =>
    runbook.steps.map((step) => (acts(step) ? `${step.verb} ${step.irreversible}` : "")).join(),
  );
  for (const runbook of [...ways.values()].map(([first]) => first as Runbook)) {
    const runId = `run_${runbook.id}`;
    await world.incident(`inc_${runId}`, "payments");
    const isStart = runbook.steps.some((step) => step.verb === "target.start");
    const replica = { id: "payments-1", state: isStart ? ("exited" as const) : ("running" as const), healthy: !isStart, restarts: 0 };
    const before = aTarget("payments", { replicas: [replica], config: { memory: "67108864", "pool-size": null } });
    world.targets.set("payments", before);
    world.targets.calls.length = 0;
    stuck(world.signals, runbook, "payments");
    await ask(world, runbook, runId);
    await world.work(runId, { verifyIntervalMs: 5_000 });
    const approval = await approvalOfRun(world.store.sql, runId);
    if (approval?.state === "pending") {
      const yes = { id: approval.id, digest: approval.digest, decision: "approve", by: "alice" } as const;
      expect(await world.store.sql.transaction((tx) => decideApproval(tx, yes, world.clock.now()))).toMatchObject({ kind: "decided" });
      await world.work(runId, { verifyIntervalMs: 5_000 });
    }
    const run = await world.run(runId);
    expect(`${runbook.id}: ${run.state}`, run.reason).toBe(`${runbook.id}: failed`);
    expect(run.reason, runbook.id).toContain("did not get better");
    expect(world.targets.calls.length, runbook.id).toBeGreaterThan(0);
    expect(differences(before, world.targets.target("payments")), runbook.id).toEqual([]);
    const steps = await stepsOfRun(world.store.sql, runId);
    const undoes = runbook.steps.filter((step) => typeof step.undo === "object").length;
    expect(steps.filter((step) => step.role === "undo" && step.state === "succeeded").length, runbook.id).toBe(undoes);
    // The next one is not to be held back by the limits.
    await world.store.sql.query(
      "UPDATE runs SET started_at = started_at - interval '40 days', finished_at = finished_at - interval '40 days'",
    );
  }
}, 120_000);
