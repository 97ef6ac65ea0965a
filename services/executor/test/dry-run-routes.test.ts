import type { DryRunView } from "@tocsin/contracts";
import { createHttpServer, type RunningHttpServer } from "@tocsin/http";
import { PolicyConfig as Policy, type PolicyConfig } from "@tocsin/runbooks";
import { silentLogger } from "@tocsin/runtime";
import { approvalOfRun, setSwitch } from "@tocsin/store";
import { Registry } from "prom-client";
import { afterEach, expect, test } from "vitest";
import { dryRunRoutes } from "../src/dry-run-routes.ts";
import { foresee } from "../src/foresee.ts";
import { createMetrics } from "../src/metrics.ts";
import type { WorkOptions } from "../src/work-run.ts";
import { openWorld, parsed, runbookText, STEPS, type World } from "./support/world.ts";

const restart = parsed(runbookText("restart", [STEPS.logs, STEPS.restart]), "restart");
const asks = parsed(runbookText("asks", ["id: sure\nverb: ask\nwith: { question: Is nobody at work on it? }", STEPS.restart]), "asks");
const sized = parsed(
  runbookText("sized", [STEPS.config.replace('value: "40"', 'value: "{{size}}"')]).replace(
    "risk: low",
    "  size:\n    type: integer\n    description: How many connections.\n    pattern: ^[0-9]{1,3}$\n    origin: operator\n    min: 1\n    max: 200\nrisk: low",
  ),
  "sized",
);
const nowhere = parsed(
  runbookText("nowhere", [STEPS.restart]).replace("origin: cause.service", "origin: alert.label.service\n    default: nobody-knows-it"),
  "nowhere",
);

let world: World;
let server: RunningHttpServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function open(more: Partial<WorkOptions> = {}, policy?: PolicyConfig): Promise<void> {
  const runbooks = [restart, asks, sized, nowhere];
  world = policy ? await openWorld(runbooks, policy) : await openWorld(runbooks);
  world.signals.now = () => ({ up: 1, error_ratio: 0.6 });
  await world.incident("inc_1", "payments");
  server = createHttpServer({ host: "127.0.0.1", port: 0, log: silentLogger, registry: new Registry(), version: "1" });
  await server.mount("/api/v1", dryRunRoutes({ ...world.options, ...more }));
  await server.listen();
}

async function ask(path: string): Promise<{ status: number; body: DryRunView & { code?: string; detail?: string; known?: string[] } }> {
  const answer = await fetch(`${server?.address}/api/v1/runbooks/${path}`);
  return { status: answer.status, body: (await answer.json()) as never };
}
async function planOf(path: string): Promise<Extract<DryRunView, { kind: "plan" }>> {
  const { body } = await ask(path);
  if (body.kind !== "plan") throw new Error(JSON.stringify(body));
  return body;
}
const standing = ({ policy: { reasons } }: Extract<DryRunView, { kind: "plan" }>) =>
  reasons.filter(({ verdict }) => verdict !== "allow").map(({ rule, verdict, text }) => `${rule}: ${verdict}: ${text}`);

/** Every row of every table, as one digest each; the job queue's notes of its own upkeep are nobody's doing. */
async function everyRow(): Promise<Record<string, string>> {
  const { sql } = world.store;
  const { rows } = await sql.query<{ name: string }>(
    "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public' OR tablename LIKE 'job%' ORDER BY 1",
  );
  const digests: Record<string, string> = {};
  for (const { name } of rows) {
    const found = await sql.query<{ digest: string }>(
      `SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) AS digest FROM ${name} t`,
    );
    digests[name] = found.rows[0]?.digest ?? "";
  }
  return digests;
}

test("shows targets, commands, undo, checks as they answer now, and every rule with its reason", async () => {
  await open();
  const plan = await planOf("restart/dry-run?incidentId=inc_1");
  expect(plan).toMatchObject({
    parameters: { service: "payments" },
    targets: [{ id: "payments", text: "1 of 1 replicas healthy, revision v2, before it v1" }],
    steps: [
      { deed: expect.stringContaining("log lines of payments"), acts: false, checks: [] },
      {
        deed: "restart payments",
        acts: true,
        reversibility: "self-reversing",
        checks: [{ holds: true }, { holds: false, text: expect.stringContaining("0.6 against 0.02") }],
      },
    ],
    policy: { verdict: "allow", environment: "lab", autonomy: "L3", emergencyOnly: false },
  });
  expect(plan.policy.reasons.map(({ rule }) => rule)).toEqual([
    "red-button",
    "incident",
    "selector",
    "target",
    "lock",
    "fresh-signal",
    "last-replica",
    "concurrency",
    "cool-down",
    "rate",
    "breaker",
    "error-budget",
    "freeze",
    "match",
    "reversibility",
    "question",
    "unknown-outcome",
    "autonomy",
  ]);
  for (const { text } of plan.policy.reasons) expect(text).not.toBe("");
});

test("says of every rule just what the question to a person then says", async () => {
  const production = { environment: "production" };
  await open(production);
  const plan = await planOf("asks/dry-run?incidentId=inc_1");
  expect(standing(plan)).toEqual([
    "question: needs-approval: it asks: Is nobody at work on it?",
    expect.stringMatching(/^autonomy: needs-approval: autonomy L2/),
  ]);
  await world.request("run_1", "inc_1", "payments", asks);
  await world.work("run_1", production);
  const effect = (await approvalOfRun(world.store.sql, "run_1"))?.effect.split("\nPolicy:\n");
  expect(effect?.[1]?.split("\n")).toEqual(plan.policy.reasons.map(({ rule, verdict, text }) => `${rule}: ${verdict}: ${text}`));
  expect(effect?.[0]?.startsWith(plan.effect)).toBe(true);
  // The run that waits is judged as itself, with what it was asked for.
  expect(await planOf("asks/dry-run?incidentId=inc_1&runId=run_1")).toMatchObject({
    digest: plan.digest,
    policy: { verdict: "needs-approval" },
  });
});

test("touches nothing: no row of any table, no target, no job, no metric, no limit", async () => {
  const registry = new Registry();
  await open(
    { metrics: createMetrics(registry) },
    Policy.parse({ environments: { lab: { autonomy: "L3", limits: { perServicePerHour: 1, globalPerHour: 1 } } } }),
  );
  const before = await everyRow();
  const metrics = await registry.metrics();
  expect(Object.keys(before)).toEqual(expect.arrayContaining(["public.journal", "public.target_locks", "public.runs", "public.approvals"]));
  const asked = await Promise.all(Array.from({ length: 12 }, () => planOf("restart/dry-run?incidentId=inc_1")));
  expect(asked.map(({ policy }) => policy.verdict)).toEqual(Array.from({ length: 12 }, () => "allow"));
  await ask("sized/dry-run?incidentId=inc_1");
  expect(await everyRow()).toEqual(before);
  expect(await registry.metrics()).toBe(metrics);
  expect([world.targets.calls, world.jobs]).toEqual([[], []]);

  // The one run of this hour is still to be had, and counts from then on.
  await world.request("run_1", "inc_1", "payments", restart);
  await world.work("run_1");
  expect(world.targets.calls).toHaveLength(1);
  expect(standing(await planOf("restart/dry-run?incidentId=inc_1")).join("\n")).toMatch(/^(cool-down|rate): refuse: /m);
});

test("is judged in a transaction in which the database refuses to write", async () => {
  await open();
  const redButton: WorkOptions["redButton"] = {
    ...world.options.redButton,
    state: async (on = world.store.sql) => {
      await on.query("INSERT INTO switches (name, is_on) VALUES ('from-a-dry-run', true)");
      return { on: false, reason: "" };
    },
  };
  const wish = { runbook: "restart", incidentId: "inc_1" };
  await expect(foresee({ ...world.options, redButton }, wish)).rejects.toThrow(/read-only transaction/);
  expect(await foresee(world.options, wish)).toMatchObject({ kind: "plan" });
});

test("facts are fresh: a pressed red button, a lock and an old signal are seen by the next look", async () => {
  await open();
  const { sql } = world.store;
  await setSwitch(sql, { name: "red-button", isOn: true, reason: "drill of the office", changedBy: "ada" });
  expect(standing(await planOf("restart/dry-run?incidentId=inc_1"))).toEqual([
    "red-button: refuse: the red button is pressed: drill of the office",
  ]);
  await setSwitch(sql, { name: "red-button", isOn: false, reason: "", changedBy: "ada" });
  await world.request("run_other", "inc_1", "payments", asks);
  await sql.query("INSERT INTO target_locks (target, run_id, locked_until) VALUES ('payments', 'run_other', $1)", [
    new Date(world.clock.now() + 60_000),
  ]);
  const locked = await planOf("restart/dry-run?incidentId=inc_1");
  expect(locked.policy).toMatchObject({ verdict: "refuse", retrySeconds: 5 });
  expect(standing(locked).join()).toContain("lock: refuse");
  await sql.query("DELETE FROM target_locks");
  world.signals.now = () => ({});
  expect(standing(await planOf("restart/dry-run?incidentId=inc_1")).join()).toContain("fresh-signal: refuse");
});

test("no plan is an answer with its reason and with what the runbook wants to be told", async () => {
  await open();
  expect((await ask("sized/dry-run?incidentId=inc_1")).body).toMatchObject({
    kind: "refused",
    reason: "size: a person has to give it",
    wants: [
      { name: "service", origin: "cause.service" },
      { name: "size", origin: "operator", description: "How many connections." },
    ],
  });
  expect(await planOf("sized/dry-run?incidentId=inc_1&given=size%3D40")).toMatchObject({ parameters: { service: "payments", size: "40" } });
  for (const [given, reason] of [
    ["size%3D400", /^size /],
    ["size%3D40%3Brm", /^size /],
    ["colour%3Dred", "sized has no parameter colour"],
    ["__proto__%3Dx", "sized has no parameter __proto__"],
    ["service%3Dcart", "service: comes from cause.service, nobody gives it"],
  ] as const)
    expect((await ask(`sized/dry-run?incidentId=inc_1&given=size%3D40&given=${given}`)).body).toMatchObject({
      kind: "refused",
      reason: typeof reason === "string" ? reason : expect.stringMatching(reason),
    });
  await world.store.sql.query("UPDATE incidents SET verdict = 'inconclusive' WHERE id = 'inc_1'");
  expect((await ask("restart/dry-run?incidentId=inc_1")).body).toMatchObject({
    kind: "refused",
    reason: "service: no cause was singled out, so there is no service to act on",
  });
});

test("a target that nobody knows is refused by the rules, in words", async () => {
  await open();
  const plan = await planOf("nowhere/dry-run?incidentId=inc_1");
  expect(plan.targets).toEqual([{ id: "nobody-knows-it", text: "is not known" }]);
  expect(plan.policy.verdict).toBe("refuse");
  expect(standing(plan).join("\n")).toContain("nobody-knows-it");
});

test("a run whose runbook was edited since is no longer what was asked for; one that is over would be another", async () => {
  await open();
  await world.request("run_1", "inc_1", "payments", restart);
  await world.work("run_1");
  expect(standing(await planOf("restart/dry-run?incidentId=inc_1&runId=run_1")).join()).toMatch(/cool-down: refuse/);
  await world.store.sql.query("UPDATE runs SET digest = $1 WHERE id = 'run_1'", [`sha256:${"0".repeat(64)}`]);
  expect((await ask("restart/dry-run?incidentId=inc_1&runId=run_1")).body).toMatchObject({
    kind: "refused",
    reason: "the runbook restart was edited since this was asked for",
  });
});

test.each([
  ["none/dry-run?incidentId=inc_1", 404, "RUNBOOK_UNKNOWN"],
  ["restart/dry-run?incidentId=inc_none", 404, "INCIDENT_UNKNOWN"],
  ["restart/dry-run?incidentId=inc_1&runId=run_none", 404, "RUN_UNKNOWN"],
  ["restart/dry-run", 400, "REQUEST_INVALID"],
  ["restart/dry-run?incidentId=inc_1&given=size", 400, "REQUEST_INVALID"],
])("%s is %i %s", async (path, status, code) => {
  await open();
  expect(await ask(path)).toMatchObject({ status, body: { code } });
});
