import { stepsOfRun } from "@tocsin/store";
import { beforeEach, expect, test } from "vitest";
import { resumeRuns } from "../src/work-run.ts";
import { openWorld, parsed, runbookText, STEPS, type World } from "./support/world.ts";

// A process dies between two lines: here by a database that stops answering from a given transaction on, and a lease left behind.
const restart = parsed(runbookText("restart", [STEPS.restart]), "restart");
const rollback = parsed(runbookText("rollback", [STEPS.rollback]), "rollback");
const pair = parsed(runbookText("pair", [STEPS.scale, STEPS.restart]), "pair");

let world: World;
beforeEach(async () => {
  world = await openWorld([restart, rollback, pair]);
  await world.incident("inc_1", "payments");
  const start = world.targets.target("payments");
  world.signals.now = () =>
    world.targets.target("payments") === start ? { up: 1, error_ratio: 0.6 } : { up: 1, error_ratio: 0, latency_p95: 0.05 };
});

/** Works a run in a process that dies at the moment named: every later word to the database is lost. */
async function dieWhen(runId: string, moment: "before-act" | "after-act"): Promise<void> {
  let dead = false;
  const { sql } = world.store;
  const lost = () => Promise.reject(Object.assign(new Error("the process is dead"), { dead }));
  world.targets.onAct = async () => {
    dead = true;
    if (moment === "before-act") throw new Error("the process is dead");
  };
  const dying = {
    ...sql,
    query: (...args: Parameters<typeof sql.query>) => (dead ? lost() : sql.query(...args)),
    transaction: (work: never) => (dead ? lost() : sql.transaction(work)),
    listen: sql.listen,
  } as typeof sql;
  const aborted = new AbortController();
  await world.work(runId, { sql: dying, targets: deadTargets(() => dead && moment === "before-act") }, aborted.signal).catch(() => {});
  world.targets.onAct = () => {};
  expect((await world.run(runId)).state).toBe("running");
  // The leases run out in time; the tests do not wait for them.
  await sql.query("DELETE FROM leases");
}

/** A dead process asks nothing more of the targets either. */
const deadTargets = (isDead: () => boolean): World["targets"] => ({
  ...world.targets,
  get: (id) => (isDead() ? new Promise(() => {}) : world.targets.get(id)),
});

test("a restart that visibly happened before the crash is not repeated: it is verified and the run succeeds", async () => {
  await world.request("run_1", "inc_1", "payments", restart);
  await dieWhen("run_1", "after-act");
  expect((await stepsOfRun(world.store.sql, "run_1"))[0]).toMatchObject({ state: "running" });
  await world.work("run_1");
  expect(world.targets.calls).toEqual(["restart payments run_1:0"]);
  expect(await world.run("run_1")).toMatchObject({ state: "succeeded" });
});

test("a restart of which nothing shows whether it happened is never repeated: the run is unknown", async () => {
  await world.request("run_1", "inc_1", "payments", restart);
  await world.options.sql.query("SELECT 1");
  // Admit and begin the step, then die before the target system hears of it.
  const { sql } = world.store;
  let begun = false;
  const dying = {
    ...sql,
    listen: sql.listen,
    query: sql.query.bind(sql),
    transaction: async <T>(work: Parameters<typeof sql.transaction<T>>[0]): Promise<T> => {
      if (begun) throw new Error("dead");
      const result = await sql.transaction(work);
      const { rows } = await sql.query("SELECT 1 FROM run_steps");
      begun = rows.length > 0;
      return result;
    },
  } as typeof sql;
  world.targets.onAct = () => {
    throw new Error("dead");
  };
  await world.work("run_1", { sql: dying }).catch(() => {});
  await sql.query("DELETE FROM leases");
  world.targets.calls.length = 0;
  world.targets.onAct = () => {};
  expect((await world.run("run_1")).state).toBe("running");

  await world.work("run_1");
  expect(world.targets.calls).toEqual([]);
  expect(await world.run("run_1")).toMatchObject({ state: "unknown" });
  expect((await world.run("run_1")).reason).toContain("a process died while it did: restart payments");
});

test("a rollback is pinned to a revision, so that after a crash it is done again without going back twice", async () => {
  await world.request("run_1", "inc_1", "payments", rollback);
  await dieWhen("run_1", "after-act");
  await world.work("run_1");
  // The same operation: the target system knows it and does nothing.
  expect(world.targets.calls).toEqual(["rollback payments to v1 run_1:0"]);
  expect(world.targets.target("payments").revision).toBe("v1");
  expect(await world.run("run_1")).toMatchObject({ state: "succeeded" });
});

test("a run interrupted between two steps goes on with the second", async () => {
  await world.request("run_1", "inc_1", "payments", pair);
  const stopping = new AbortController();
  world.targets.onAct = (verb) => {
    if (verb === "restart") stopping.abort(new Error("stopping"));
  };
  await expect(world.work("run_1", {}, stopping.signal)).rejects.toThrow(/interrupted/);
  expect((await world.run("run_1")).state).toBe("running");
  world.targets.onAct = () => {};
  await world.work("run_1");
  expect(world.targets.calls).toEqual(["scale payments run_1:0", "restart payments run_1:1"]);
  expect(await world.run("run_1")).toMatchObject({ state: "succeeded" });
});

test("a job that comes while another process works on the run is put off", async () => {
  await world.request("run_1", "inc_1", "payments", restart);
  await world.store.sql.query(
    "INSERT INTO leases (name, holder, leased_until) VALUES ('run:run_1', 'another', now() + interval '1 minute')",
  );
  await world.work("run_1");
  expect(world.targets.calls).toEqual([]);
  expect(world.jobs).toEqual([{ queue: "executor.run", data: { runId: "run_1" }, singletonKey: "run_1:again", startAfterSeconds: 20 }]);
});

test("a worker that lost its run writes nothing more", async () => {
  await world.request("run_1", "inc_1", "payments", restart);
  world.targets.onAct = async () => {
    await world.store.sql.query("UPDATE runs SET fence = fence + 1 WHERE id = 'run_1'");
  };
  await world.work("run_1");
  expect((await world.run("run_1")).state).toBe("running");
  expect(await world.told("run_1")).toEqual(["requested", "started", "step-running"]);
});

test("a run whose runbook changed while it was under way is left to a person", async () => {
  await world.request("run_1", "inc_1", "payments", restart);
  await dieWhen("run_1", "after-act");
  const other = parsed(runbookText("restart", [STEPS.restart], "tags: [other]\n"), "restart");
  await world.work("run_1", { library: { ...world.options.library, find: () => other } });
  expect(await world.run("run_1")).toMatchObject({ state: "unknown" });
});

test("a process that starts sends a job for every run without an end", async () => {
  await world.request("run_1", "inc_1", "payments", restart);
  await world.request("run_2", "inc_1", "payments", restart);
  await dieWhen("run_1", "after-act");
  world.jobs.length = 0;
  expect(await resumeRuns(world.options)).toBe(2);
  expect(world.jobs.map((job) => job.data["runId"])).toEqual(["run_1", "run_2"]);
});

test("a process that was paused until its lease had run out does not act when it wakes", async () => {
  await world.request("run_1", "inc_1", "payments", restart);
  const { sql } = world.store;
  // Asleep right after the step was written down: time has passed, and no timer has told so yet.
  let asleepMs = 0;
  const pausing = {
    ...sql,
    listen: sql.listen,
    query: sql.query.bind(sql),
    transaction: async <T>(work: Parameters<typeof sql.transaction<T>>[0]): Promise<T> => {
      const result = await sql.transaction(work);
      const { rows } = await sql.query("SELECT 1 FROM run_steps");
      if (rows.length > 0) asleepMs = 25_000;
      return result;
    },
  } as typeof sql;
  const clock = { ...world.clock, now: () => world.clock.now() + asleepMs };
  await expect(world.work("run_1", { sql: pausing, clock })).rejects.toMatchObject({ code: "EXECUTOR_RUN_INTERRUPTED" });
  expect(world.targets.calls).toEqual([]);
  expect((await stepsOfRun(sql, "run_1"))[0]).toMatchObject({ state: "running" });
});
