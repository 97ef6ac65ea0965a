import { AppError } from "@tocsin/runtime";
import { readJournal, setSwitch, stepsOfRun, verifyJournal } from "@tocsin/store";
import { beforeEach, expect, test } from "vitest";
import { openWorld, parsed, runbookText, STEPS, type World } from "./support/world.ts";

const restart = parsed(runbookText("restart", [STEPS.logs, STEPS.restart]), "restart");
const rollback = parsed(runbookText("rollback", [STEPS.rollback]), "rollback");
const config = parsed(runbookText("config", [STEPS.config]), "config");
const both = parsed(runbookText("both", [STEPS.scale, STEPS.rollback]), "both");

let world: World;
beforeEach(async () => {
  world = await openWorld([restart, rollback, both]);
  await world.incident("inc_1", "payments");
});

/** The service is ill until an act that cures it. */
function illUntil(cured: () => boolean): void {
  world.signals.now = () => (cured() ? { up: 1, error_ratio: 0, latency_p95: 0.05 } : { up: 1, error_ratio: 0.6, latency_p95: 0.4 });
}

test("a step that helps is acted once, verified for its soak time, and the run succeeds", async () => {
  illUntil(() => world.targets.calls.length > 0);
  await world.request("run_1", "inc_1", "payments", restart);
  await world.work("run_1");
  expect(world.targets.calls).toEqual(["restart payments run_1:1"]);
  expect(await world.run("run_1")).toMatchObject({ state: "succeeded", reason: "every step was done and verified" });
  expect(await world.told("run_1")).toEqual([
    "requested",
    "started",
    "step-running",
    "step-succeeded",
    "step-running",
    "step-succeeded",
    "finished",
  ]);
  const { rows } = await world.store.sql.query("SELECT 1 FROM target_locks");
  expect(rows).toEqual([]);
});

test("the journal names each act and its undo before the act, and its chain holds", async () => {
  illUntil(() => world.targets.calls.length > 0);
  let whenActed: readonly string[] = [];
  world.targets.onAct = async () => {
    whenActed = (await readJournal(world.store.sql, { afterSeq: 0, limit: 100, subject: "run_1" })).map((entry) => entry.action);
  };
  await world.request("run_1", "inc_1", "payments", rollback);
  await world.work("run_1");
  expect(whenActed).toEqual(["run.admit", "step.begin"]);
  const entries = await readJournal(world.store.sql, { afterSeq: 0, limit: 100, subject: "run_1" });
  expect(entries.map((entry) => entry.action)).toEqual(["run.admit", "step.begin", "step.acted", "step.end", "run.end"]);
  expect(entries[1]?.body).toMatchObject({
    operationId: "run_1:0",
    deed: { verb: "target.rollback", with: { target: "payments", toRevision: "v1" } },
    undo: { verb: "target.rollback", with: { target: "payments", toRevision: "v2" } },
  });
  expect(await verifyJournal(world.store.sql)).toMatchObject({ kind: "intact" });
});

test("a step that does not help is undone in time, and the target ends field by field as it was", async () => {
  illUntil(() => false);
  const before = world.targets.target("payments");
  await world.request("run_1", "inc_1", "payments", rollback);
  await world.work("run_1");
  expect(world.targets.calls).toEqual(["rollback payments to v1 run_1:0", "rollback payments to v2 run_1:1"]);
  const run = await world.run("run_1");
  expect(run.state).toBe("failed");
  expect(run.reason).toContain("did not get better within 40 s");
  expect(run.reason).toContain("undone: roll payments back to v2");
  const after = world.targets.target("payments");
  expect({ revision: after.revision, count: after.replicas.length, states: after.replicas.map((r) => r.state) }).toEqual({
    revision: before.revision,
    count: 1,
    states: ["running"],
  });
  expect((await stepsOfRun(world.store.sql, "run_1")).map((s) => [s.role, s.state])).toEqual([
    ["act", "undone"],
    ["undo", "succeeded"],
  ]);
  expect(await world.told("run_1")).toContain("undone");
});

test("a step after which the target is worse is undone at once, not at its deadline", async () => {
  world.signals.now = () => (world.targets.target("payments").revision === "v1" ? { up: 0 } : { up: 1, error_ratio: 0.6 });
  await world.request("run_1", "inc_1", "payments", rollback);
  const beganAt = world.clock.now();
  await world.work("run_1");
  expect((await world.run("run_1")).reason).toContain("it was up before the step and is down now");
  expect(world.clock.now() - beganAt).toBeLessThan(39_000);
  const { rows } = await world.store.sql.query("SELECT regressed FROM runs");
  expect(rows).toEqual([{ regressed: true }]);
});

test("when the second step fails, both are undone, the last first", async () => {
  world.signals.now = () =>
    world.targets.target("payments").revision === "v1" ? { up: 1, error_ratio: 0.9 } : { up: 1, error_ratio: 0.01 };
  await world.request("run_1", "inc_1", "payments", both);
  await world.work("run_1");
  expect(world.targets.calls).toEqual([
    "scale payments run_1:0",
    "rollback payments to v1 run_1:1",
    "rollback payments to v2 run_1:2",
    "scale payments run_1:3",
  ]);
  expect(world.targets.target("payments")).toMatchObject({ revision: "v2", replicas: [{ id: "payments-1" }] });
});

test("an undo that fails is said, and the others are tried all the same", async () => {
  world.signals.now = () =>
    world.targets.target("payments").revision === "v1" ? { up: 1, error_ratio: 0.9 } : { up: 1, error_ratio: 0.01 };
  world.targets.onAct = (verb, _id, { operationId }) => {
    if (verb === "rollback" && operationId === "run_1:2") throw new AppError("TARGET_FAILED", "the image is gone");
  };
  await world.request("run_1", "inc_1", "payments", both);
  await world.work("run_1");
  expect((await world.run("run_1")).reason).toContain("roll payments back to v2 failed: the image is gone");
  expect(world.targets.calls.at(-1)).toBe("scale payments run_1:3");
});

test("a precondition that does not hold fails the run before anything acts", async () => {
  const careful = parsed(
    runbookText("careful", [`${STEPS.restart}\nprecondition:\n  - { signal: memory, op: ">", value: 5e8 }`]),
    "careful",
  );
  const calm = await openWorld([careful]);
  await calm.incident("inc_1", "payments");
  await calm.request("run_1", "inc_1", "payments", careful);
  await calm.work("run_1");
  expect(calm.targets.calls).toEqual([]);
  expect((await calm.run("run_1")).reason).toContain("precondition does not hold: memory of payments > 500M: 80M against 500M");
});

test("a step that only looks may fail without keeping the fix from being done", async () => {
  illUntil(() => world.targets.calls.length > 0);
  world.targets.logs = () => Promise.reject(new AppError("TARGET_UNAVAILABLE", "no logs today", { retryable: true }));
  await world.request("run_1", "inc_1", "payments", restart);
  await world.work("run_1");
  expect((await world.run("run_1")).state).toBe("succeeded");
  expect((await stepsOfRun(world.store.sql, "run_1"))[0]).toMatchObject({ state: "failed", output: "no logs today" });
});

test("the red button stops a run before its first step", async () => {
  await world.request("run_1", "inc_1", "payments", restart);
  await setSwitch(world.store.sql, { name: "red-button", isOn: true, reason: "drill", changedBy: "alice" });
  await world.work("run_1");
  expect(world.targets.calls).toEqual([]);
  expect(await world.run("run_1")).toMatchObject({ state: "refused", reason: "the red button is pressed: drill" });
});

test("the red button pressed while a step acts leaves the outcome to a person and undoes nothing", async () => {
  illUntil(() => false);
  world.targets.onAct = async () => {
    await setSwitch(world.store.sql, { name: "red-button", isOn: true, reason: "wrong target", changedBy: "alice" });
    await new Promise(() => {}); // the act itself never comes back
  };
  await world.request("run_1", "inc_1", "payments", rollback);
  await world.work("run_1");
  expect(world.targets.calls).toHaveLength(1);
  expect(await world.run("run_1")).toMatchObject({ state: "unknown" });
  expect((await world.run("run_1")).reason).toContain("the red button was pressed: wrong target; what was begun was not undone");
});

test("an act that outlives its deadline and shows no effect is unknown, never repeated", async () => {
  world.targets.onAct = () => new Promise(() => {});
  await world.request("run_1", "inc_1", "payments", restart);
  await world.work("run_1");
  expect(world.targets.calls).toEqual(["restart payments run_1:1"]);
  expect(await world.run("run_1")).toMatchObject({ state: "unknown" });
  expect((await world.run("run_1")).reason).toContain("took longer than 60000 ms; nothing shows whether it happened");
});

test("what a step prints is kept without its secrets", async () => {
  illUntil(() => world.targets.calls.length > 0);
  world.targets.logs = async () => "\u001b[31mconnecting to postgres://app:hunter2@db/app with token=abcdef123456\u001b[0m";
  await world.request("run_1", "inc_1", "payments", restart);
  await world.work("run_1");
  const { rows } = await world.store.sql.query<{ text: string }>(
    "SELECT (SELECT string_agg(data::text, '') FROM event_log) || (SELECT string_agg(body::text, '') FROM journal) || (SELECT string_agg(output, '') FROM run_steps) AS text",
  );
  expect(rows[0]?.text).toContain("connecting to postgres://[redacted]@db/app");
  expect(rows[0]?.text).not.toMatch(/hunter2|abcdef123456|\\u001b/);
});

test("a configuration value that does not help is set back to what it was, and to nothing where there was none", async () => {
  for (const before of ["20", null]) {
    world = await openWorld([config]);
    await world.incident("inc_1", "payments");
    illUntil(() => false);
    world.targets.set("payments", { config: { POOL_SIZE: before, memory: "64000000" } });
    await world.request("run_1", "inc_1", "payments", config);
    await world.work("run_1");
    expect((await world.run("run_1")).reason).toContain("undone: set POOL_SIZE of payments to");
    expect(world.targets.calls).toEqual([`config payments POOL_SIZE=40 run_1:0`, `config payments POOL_SIZE=${before} run_1:1`]);
    expect(world.targets.target("payments").config).toEqual({ POOL_SIZE: before, memory: "64000000" });
  }
});

test("a configuration value that its owner does not allow is never set", async () => {
  world = await openWorld([config]);
  await world.incident("inc_1", "payments");
  await world.request("run_1", "inc_1", "payments", config);
  await world.work("run_1");
  expect(await world.run("run_1")).toMatchObject({
    state: "refused",
    reason: "payments does not allow POOL_SIZE to be set; it allows nothing",
  });
  expect(world.targets.calls).toEqual([]);
});

test("replicas that were left alone fail the step, and those that were done are undone", async () => {
  world.signals.now = () => ({ up: 1, error_ratio: 0, latency_p95: 0.05 });
  const { rollback: real } = world.targets;
  world.targets.rollback = async (id, options) => ({
    ...(await real(id, options)),
    ...(options.operationId === "run_1:0" ? { incomplete: "payments-1 did not come back healthy; left alone: payments-2" } : {}),
  });
  await world.request("run_1", "inc_1", "payments", rollback);
  await world.work("run_1");
  expect((await world.run("run_1")).state).toBe("failed");
  expect((await world.run("run_1")).reason).toContain("payments-1 did not come back healthy; left alone: payments-2");
  expect(world.targets.calls).toEqual(["rollback payments to v1 run_1:0", "rollback payments to v2 run_1:1"]);
});
