import { PolicyConfig as Policy, type PolicyConfig } from "@tocsin/runbooks";
import { approvalOfRun, decideApproval, expireApprovals, setSwitch } from "@tocsin/store";
import { expect, test } from "vitest";
import { aTarget } from "./support/fake-targets.ts";
import { openWorld, parsed, runbookText, STEPS, type World } from "./support/world.ts";

const restart = parsed(runbookText("restart", [STEPS.restart]), "restart");
const irreversible = parsed(
  runbookText("irreversible", [STEPS.restart.replace("undo: none-required", "irreversible: true")]),
  "irreversible",
);
const asks = parsed(runbookText("asks", ["id: sure\nverb: ask\nwith: { question: Is nobody at work on it? }", STEPS.restart]), "asks");
const looks = parsed(runbookText("looks", [STEPS.logs]), "looks");

let world: World;
async function open(policy?: PolicyConfig) {
  world = policy ? await openWorld([restart, irreversible, asks, looks], policy) : await openWorld([restart, irreversible, asks, looks]);
  await world.incident("inc_1", "payments");
  const start = world.targets.target("payments");
  world.signals.now = (service) =>
    service === "payments" && world.targets.target("payments") === start
      ? { up: 1, error_ratio: 0.6 }
      : { up: 1, error_ratio: 0, latency_p95: 0.05 };
}
const incidentState = async () =>
  (await world.store.sql.query<{ state: string }>("SELECT state FROM incidents WHERE id = 'inc_1'")).rows[0]?.state;

test("outside the lab a run waits for a person, who sees exactly what would be done; a yes runs it", async () => {
  await open();
  await world.request("run_1", "inc_1", "payments", restart);
  const production = { environment: "production" };
  await world.work("run_1", production);
  expect(await world.run("run_1")).toMatchObject({ state: "awaiting-approval" });
  expect(await incidentState()).toBe("awaiting-approval");
  const approval = await approvalOfRun(world.store.sql, "run_1");
  expect(approval).toMatchObject({ state: "pending", digest: (await world.run("run_1")).digest });
  expect(approval?.effect).toContain(
    "1. restart payments; nothing to undo: the same revision runs after it; good when up of payments == 1",
  );
  expect(approval?.effect).toContain("payments: 1 of 1 replicas healthy, revision v2, before it v1");
  expect(approval?.effect).toContain(
    "restart, after: does not hold yet: error_ratio of payments <= before + 0.02 (0.05 when unknown): 0.6 against 0.02",
  );
  expect(approval?.effect).toContain("\nPolicy:\nred-button: allow: the red button is not pressed\n");
  expect(approval?.effect).toContain("autonomy: needs-approval: autonomy L2 acts after an approval");
  expect(world.targets.calls).toEqual([]);

  await world.work("run_1", production); // a second job changes nothing
  expect(await world.told("run_1")).toEqual(["requested", "approval-requested"]);

  const decision = { id: approval?.id ?? "", decision: "approve", by: "alice", digest: approval?.digest ?? "" } as const;
  const outcome = await world.store.sql.transaction((tx) => decideApproval(tx, decision, world.clock.now()));
  expect(outcome.kind).toBe("decided");
  expect(await incidentState()).toBe("mitigating");
  await world.work("run_1", production);
  expect(await world.run("run_1")).toMatchObject({ state: "succeeded" });
  expect(await world.told("run_1")).toContain("approved");
});

test("an approval holds once, for its digest alone, and not after its time", async () => {
  await open();
  await world.request("run_1", "inc_1", "payments", irreversible);
  await world.work("run_1");
  const approval = await approvalOfRun(world.store.sql, "run_1");
  expect(approval?.reason).toBe("it cannot be undone");
  const { id, digest } = approval as NonNullable<typeof approval>;
  const decide = (change: object, at = world.clock.now()) =>
    world.store.sql.transaction((tx) => decideApproval(tx, { id, digest, decision: "approve", by: "alice", ...change }, at));
  expect(await decide({ id: "apr_none" })).toMatchObject({ kind: "refused", why: "unknown" });
  expect(await decide({ digest: `sha256:${"0".repeat(64)}` })).toMatchObject({ kind: "refused", why: "other-digest" });
  expect(await decide({}, world.clock.now() + 3_600_000)).toMatchObject({ kind: "refused", why: "expired" });
  const both = await Promise.all([decide({}), decide({ decision: "deny", by: "bob" })]);
  expect(both.map((o) => o.kind).sort()).toEqual(["decided", "refused"]);
});

test("a no ends the run, and the answer that nobody gives is a no", async () => {
  await open();
  await world.request("run_1", "inc_1", "payments", irreversible);
  await world.request("run_2", "inc_1", "payments", asks);
  await world.work("run_1");
  await world.work("run_2");
  const approval = await approvalOfRun(world.store.sql, "run_1");
  await world.store.sql.transaction((tx) =>
    decideApproval(tx, { id: approval?.id ?? "", digest: approval?.digest ?? "", decision: "deny", by: "bob" }, world.clock.now()),
  );
  expect(await world.run("run_1")).toMatchObject({ state: "denied", reason: "bob denied it" });
  expect((await world.told("run_1")).slice(-2)).toEqual(["denied", "finished"]);

  expect(await world.store.sql.transaction((tx) => expireApprovals(tx, world.clock.now() + 3_599_000))).toBe(0);
  expect(await world.store.sql.transaction((tx) => expireApprovals(tx, world.clock.now() + 3_601_000))).toBe(1);
  expect(await world.run("run_2")).toMatchObject({ state: "denied", reason: "nobody answered in time" });
});

test("whoever proposed a run of high risk is not who approves it", async () => {
  const risky = parsed(
    runbookText("risky", [STEPS.restart]).replace("risk: low", "risk: high").replace("autonomy: L3", "autonomy: L2"),
    "risky",
  );
  world = await openWorld([risky]);
  await world.incident("inc_1", "payments");
  await world.request("run_1", "inc_1", "payments", risky, "alice");
  await world.work("run_1");
  const { id = "", digest = "" } = (await approvalOfRun(world.store.sql, "run_1")) ?? {};
  const by = (name: string) =>
    world.store.sql.transaction((tx) => decideApproval(tx, { id, digest, decision: "approve", by: name }, world.clock.now()));
  expect(await by("alice")).toMatchObject({ kind: "refused", why: "own-proposal" });
  expect(await by("bob")).toMatchObject({ kind: "decided" });
});

test("a yes does not talk the limits out of a refusal", async () => {
  await open();
  await world.request("run_1", "inc_1", "payments", irreversible);
  await world.work("run_1");
  const { id = "", digest = "" } = (await approvalOfRun(world.store.sql, "run_1")) ?? {};
  await world.store.sql.transaction((tx) => decideApproval(tx, { id, digest, decision: "approve", by: "alice" }, world.clock.now()));
  await setSwitch(world.store.sql, { name: "red-button", isOn: true, reason: "", changedBy: "bob" });
  await world.work("run_1");
  expect(await world.run("run_1")).toMatchObject({ state: "refused", reason: "the red button is pressed" });
});

test("during a change freeze only a yes for an emergency is enough", async () => {
  await open(
    Policy.parse({
      autonomy: "L3",
      freezes: [{ reason: "year's end", from: "2025-12-20T00:00:00Z", to: "2026-01-05T00:00:00Z" }],
    }),
  );
  await world.request("run_1", "inc_1", "payments", restart);
  await world.work("run_1");
  const { id = "", digest = "" } = (await approvalOfRun(world.store.sql, "run_1")) ?? {};
  const say = (emergency: boolean) =>
    world.store.sql.transaction((tx) => decideApproval(tx, { id, digest, decision: "approve", by: "alice", emergency }, world.clock.now()));
  expect(await say(false)).toMatchObject({ kind: "refused", why: "not-an-emergency" });
  expect(await say(true)).toMatchObject({ kind: "decided" });
  await world.work("run_1");
  expect(await world.run("run_1")).toMatchObject({ state: "succeeded" });
});

test("a runbook file that changed since the request is refused", async () => {
  await open();
  await world.request("run_1", "inc_1", "payments", restart);
  const changed = parsed(runbookText("restart", [STEPS.restart], "tags: [changed]\n"), "restart");
  await world.work("run_1", { library: { ...world.options.library, find: () => changed } });
  expect(await world.run("run_1")).toMatchObject({ state: "refused" });
  expect((await world.run("run_1")).reason).toContain("are not what was asked for");
  expect(await world.told("run_1")).toEqual(["requested", "finished"]);
});

test("parameters that the request's row was given by hand are checked like any other", async () => {
  await open();
  await world.request("run_1", "inc_1", "payments", restart);
  for (const value of ["", "-rf", "a b", "payments;reboot", "$(reboot)", "*"]) {
    await world.store.sql.query("UPDATE runs SET state = 'requested', parameters = $1::jsonb", [JSON.stringify({ service: value })]);
    await world.work("run_1");
    expect((await world.run("run_1")).state, value).toBe("refused");
  }
  expect(world.targets.calls).toEqual([]);
});

test("a target without a fresh sample, unknown, or not managed is not touched", async () => {
  await open();
  const refusedBecause = async (id: string) => {
    await world.request(id, "inc_1", "payments", restart);
    await world.work(id);
    return (await world.run(id)).reason;
  };
  world.signals.ageSeconds = 121;
  expect(await refusedBecause("run_1")).toBe("the youngest sample of payments is 121 s old; at most 120 s");
  world.signals.ageSeconds = 1;
  world.targets.set("payments", { managed: false });
  expect(await refusedBecause("run_2")).toContain("payments is not managed by us");
  await world.incident("inc_2", "nowhere");
  await world.request("run_3", "inc_2", "nowhere", restart);
  await world.work("run_3");
  expect((await world.run("run_3")).reason).toContain("there is no target nowhere");
  expect(world.targets.calls).toEqual([]);
});

test("the last healthy replica of a service that works is not taken", async () => {
  await open();
  await world.store.sql.query("UPDATE alerts SET status = 'resolved'");
  world.signals.now = () => ({ up: 1, error_ratio: 0, latency_p95: 0.05 });
  await world.request("run_1", "inc_1", "payments", restart);
  await world.work("run_1");
  expect((await world.run("run_1")).reason).toContain("it would take the last healthy replica of payments, which works");
});

test("replicas are restarted one after another, which nobody has to be asked; all at once are a person's decision", async () => {
  const stop = parsed(runbookText("stop", [STEPS.stop]), "stop");
  world = await openWorld([restart, stop]);
  await world.incident("inc_1", "payments");
  world.signals.now = () => (world.targets.calls.length > 0 ? { up: 1, error_ratio: 0 } : { up: 1, error_ratio: 0.6 });
  const replicas = [1, 2, 3].map((n) => ({ id: `payments-${n}`, state: "running" as const, healthy: true, restarts: 0 }));
  world.targets.set("payments", aTarget("payments", { replicas }));
  await world.request("run_1", "inc_1", "payments", stop);
  await world.work("run_1");
  expect(await world.run("run_1")).toMatchObject({ state: "awaiting-approval" });
  expect((await world.run("run_1")).reason).toContain("3 of 3 replicas of payments at once");
  await world.request("run_2", "inc_1", "payments", restart);
  await world.work("run_2");
  expect(await world.run("run_2")).toMatchObject({ state: "succeeded" });
});

test("the executor keeps the error budget itself: fast burning lets only what mitigates run", async () => {
  const plain = parsed(runbookText("plain", [STEPS.restart], "tags: [routine]\n"), "plain");
  world = await openWorld([plain]);
  await world.incident("inc_1", "payments");
  world.signals.now = () => ({ up: 1, error_ratio: 0.6, request_rate: 5 });
  await world.request("run_1", "inc_1", "payments", plain);
  await world.work("run_1");
  expect(await world.run("run_1")).toMatchObject({
    state: "refused",
    reason: "the error budget of payments (0.99) burns 60.0 times too fast: only runbooks tagged mitigation run now",
  });
});

test("a busy target is waited for, and refused when it stays busy", async () => {
  await open();
  await world.request("run_1", "inc_1", "payments", restart);
  const at = (ms: number) => new Date(world.clock.now() + ms).toISOString();
  await world.store.sql.query("INSERT INTO target_locks (target, run_id, locked_until) VALUES ('payments', 'run_0', $1)", [at(600_000)]);
  await world.work("run_1");
  expect(await world.run("run_1")).toMatchObject({ state: "requested" });
  expect(world.jobs).toMatchObject([{ data: { runId: "run_1" }, startAfterSeconds: 5 }]);
  await world.clock.advance(60_000);
  await world.work("run_1");
  expect(await world.run("run_1")).toMatchObject({ state: "refused", reason: "payments is locked by the run run_0" });
});

test("a run that only looks needs no room under the limits", async () => {
  await open(Policy.parse({ autonomy: "L0", limits: { globalPerHour: 0, globalAtOnce: 0 } }));
  await world.request("run_1", "inc_1", "payments", looks);
  await world.work("run_1");
  expect(await world.run("run_1")).toMatchObject({ state: "succeeded" });
});

test("fifty requests at once never exceed a limit", async () => {
  const policy = Policy.parse({
    autonomy: "L3",
    limits: { globalPerHour: 7, perServicePerHour: 3, globalAtOnce: 2, stormIncidents: 1_000 },
  });
  await open(policy);
  const services = Array.from({ length: 10 }, (_, i) => `svc-${i}`);
  const startOf = new Map(services.map((id) => [id, aTarget(id)]));
  for (const [id, target] of startOf) {
    world.targets.set(id, target);
    await world.incident(`inc_${id}`, id);
  }
  const isCured = (id: string) => world.targets.target(id) !== startOf.get(id);
  world.signals.now = (id) => (isCured(id) ? { up: 1, error_ratio: 0, latency_p95: 0.05 } : { up: 1, error_ratio: 0.6 });
  const runs = Array.from({ length: 50 }, (_, i) => ({ id: `run_${i}`, service: services[i % 10] as string }));
  for (const { id, service } of runs) await world.request(id, `inc_${service}`, service, restart);

  const acting = new Set<string>();
  let most = 0;
  world.targets.onAct = async (_verb, id) => {
    expect(acting.has(id), "two runs act on one target").toBe(false);
    acting.add(id);
    most = Math.max(most, acting.size);
    await new Promise((resolve) => setTimeout(resolve, 5));
    acting.delete(id);
  };
  const { workRun } = await import("../src/work-run.ts");
  const signal = new AbortController().signal;
  const round = () => world.drive(Promise.all(runs.map(({ id }) => workRun(world.options, { data: { runId: id }, signal }))));
  await round();
  await round(); // those that were put off come again
  const states = await Promise.all(runs.map(({ id }) => world.run(id)));
  const admitted = states.filter((run) => run.startedAt !== undefined);
  expect(admitted.length).toBeGreaterThan(0);
  expect(admitted.length).toBeLessThanOrEqual(7);
  expect(most).toBeLessThanOrEqual(2);
  for (const service of services) expect(world.targets.calls.filter((call) => call.includes(` ${service} `)).length).toBeLessThanOrEqual(1);
});

test("what was rolled back from is not rolled back to", async () => {
  const rollback = parsed(runbookText("rollback", [STEPS.rollback]), "rollback");
  world = await openWorld([rollback], Policy.parse({ autonomy: "L3", limits: { cooldownSeconds: [1] } }));
  await world.incident("inc_1", "payments");
  world.signals.now = () => (world.targets.target("payments").revision === "v1" ? { up: 1, error_ratio: 0 } : { up: 1, error_ratio: 0.6 });
  await world.request("run_1", "inc_1", "payments", rollback);
  await world.work("run_1");
  expect(await world.run("run_1")).toMatchObject({ state: "succeeded" });
  expect(world.targets.target("payments")).toMatchObject({ revision: "v1", previousRevision: "v2" });
  await world.clock.advance(10_000);
  await world.request("run_2", "inc_1", "payments", rollback);
  await world.work("run_2");
  expect((await world.run("run_2")).reason).toBe("the revision before of payments is the one that the run run_1 rolled back from");
});

test("nothing is started that runs already", async () => {
  const start = parsed(runbookText("start", [STEPS.start]), "start");
  world = await openWorld([start]);
  await world.incident("inc_1", "payments");
  await world.request("run_1", "inc_1", "payments", start);
  await world.work("run_1");
  expect(await world.run("run_1")).toMatchObject({ state: "failed", reason: "start: payments runs already: there is nothing to start" });
  expect(world.targets.calls).toEqual([]);
});
