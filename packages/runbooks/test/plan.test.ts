import { expect, test } from "vitest";
import { planRun, planWith } from "../src/plan.ts";
import { HOSTILE_VALUES } from "./hostile.ts";
import { RESTART, runbookOf, sample } from "./sample.ts";

const ROLLBACK = `id: back
verb: target.rollback
with: { target: "{{service}}" }
undo:
  verb: target.rollback
  with: { target: "{{service}}", toRevision: "{{before.revision}}" }
verify:
  checks: [{ signal: up, op: "==", value: 1 }]`;
const cause = { service: "payments", kind: "resource", text: "" } as const;
const planOf = (...steps: string[]) => {
  const plan = planWith(runbookOf(sample(...steps)), { service: "payments" });
  if (plan.kind === "refused") throw new Error(plan.reason);
  return plan;
};

test("takes the service from the cause, and the same text and parameters give the same digest", () => {
  const runbook = runbookOf(sample(RESTART));
  const plan = planRun(runbook, { members: [], cause });
  expect(plan).toMatchObject({ kind: "plan", parameters: { service: "payments" }, targets: ["payments"] });
  expect(planWith(runbook, { service: "payments" })).toEqual(plan);
  expect(planWith(runbook, { service: "cart" })).not.toMatchObject({ digest: (plan as { digest: string }).digest });
});

test("without a cause there is nothing to act on", () => {
  expect(planRun(runbookOf(sample(RESTART)), { members: [] })).toEqual({
    kind: "refused",
    reason: "service: no cause was singled out, so there is no service to act on",
  });
});

test("a label that the alerts of the root do not agree on is no parameter", () => {
  const runbook = runbookOf(sample(RESTART).replace("cause.service", "alert.label.pod"));
  const member = (pod: string, role: "root" | "symptom") =>
    ({ name: "X", severity: "critical", labels: { pod }, annotations: {}, role, status: "firing" }) as const;
  expect(planRun(runbook, { members: [member("a", "root"), member("b", "root")] })).toEqual({
    kind: "refused",
    reason: "service: the alerts disagree on pod: a, b",
  });
  expect(planRun(runbook, { members: [member("a", "root"), member("b", "symptom")] })).toMatchObject({ parameters: { service: "a" } });
});

test("parameters that the runbook does not have are refused, not ignored", () => {
  expect(planWith(runbookOf(sample(RESTART)), { service: "payments", force: "true" })).toMatchObject({ kind: "refused" });
});

test("a person gives what is a person's to give: nothing unknown, and nothing that comes from elsewhere", () => {
  const runbook = runbookOf(sample(RESTART));
  for (const [operator, reason] of [
    [{ force: "true" }, `${runbook.id} has no parameter force`],
    [JSON.parse('{ "__proto__": "x" }'), `${runbook.id} has no parameter __proto__`],
    [{ service: "cart" }, "service: comes from cause.service, nobody gives it"],
  ] as const)
    expect(planRun(runbook, { members: [], cause, operator })).toEqual({ kind: "refused", reason });
  const asks = runbookOf(sample(RESTART).replace("origin: cause.service", "origin: operator"));
  expect(planRun(asks, { members: [], cause })).toEqual({ kind: "refused", reason: "service: a person has to give it" });
  expect(planRun(asks, { members: [], cause, operator: { service: "cart" } })).toMatchObject({ parameters: { service: "cart" } });
});

test("reversibility follows from verbs and undo, whatever is declared", () => {
  expect(planOf(RESTART).reversibility).toBe("self-reversing");
  expect(planOf(ROLLBACK).reversibility).toBe("inverse");
  expect(planOf(RESTART, ROLLBACK).reversibility).toBe("inverse");
  expect(planOf(ROLLBACK.replace(', toRevision: "{{before.revision}}"', "")).reversibility).toBe("compensated");
  expect(planOf(ROLLBACK.replace('with: { target: "{{service}}", toRevision', 'with: { target: "cart", toRevision')).reversibility).toBe(
    "compensated",
  );
  expect(planOf(RESTART.replace("undo: none-required", "irreversible: true")).reversibility).toBe("irreversible");
  expect(planOf(`id: look\nverb: target.stats\nwith: { target: "{{service}}" }`)).toMatchObject({ reversibility: "none", targets: [] });
});

test("a container that can reach the network has effects that nobody can take back", () => {
  const run = (network: string) =>
    `id: run\nverb: container.run\nwith:\n  image: "sha256:${"a".repeat(64)}"\n  argv: [/probe, "{{service}}"]${network}\n  env: {}\nVERIFY`;
  const verify = `undo: none-required\nverify:\n  checks: [{ signal: up, of: "{{service}}", op: "==", value: 1 }]`;
  expect(planOf(run("").replace("VERIFY", verify)).reversibility).toBe("self-reversing");
  expect(() => planOf(run("\n  network: shop").replace("VERIFY", verify))).toThrow(/none-required/);
});

test("the effect says every step with its undo, its conditions and what good means", () => {
  const plan = planOf(`${ROLLBACK}\nprecondition:\n  - { signal: error_ratio, op: ">", value: 0.1 }`);
  expect(plan.effect).toBe(
    [
      "A sample (acts on payments)",
      "1. roll payments back to the revision before; undo: roll payments back to the revision it had; only if error_ratio of payments > 0.1; good when up of payments == 1 for 10 s within 90 s",
    ].join("\n"),
  );
});

test("questions are collected, so that they can be asked before anything runs", () => {
  expect(planOf("id: sure\nverb: ask\nwith: { question: 'Is {{service}} idle?' }", RESTART).questions).toEqual(["Is payments idle?"]);
});

test("no hostile value becomes a configuration value, whatever the verb would do with it", () => {
  const set = `id: set
verb: target.config
with: { target: "{{service}}", name: POOL_SIZE, value: "{{size}}" }
undo:
  verb: target.config
  with: { target: "{{service}}", name: POOL_SIZE, value: "{{before.config}}" }
verify:
  checks: [{ signal: up, op: "==", value: 1 }]`;
  const front = "  size:\n    type: string\n    pattern: ^[1-9][0-9]{0,3}$\n    maxLength: 4\n    origin: operator\nrisk: low";
  const runbook = runbookOf(sample(set).replace("risk: low", front));
  const plan = planWith(runbook, { service: "payments", size: "40" });
  expect(plan).toMatchObject({ kind: "plan", reversibility: "inverse", targets: ["payments"] });
  for (const value of HOSTILE_VALUES) {
    expect(planWith(runbook, { service: "payments", size: value as string }).kind, JSON.stringify(value)).toBe("refused");
    expect(planWith(runbook, { service: value as string, size: "40" }).kind, JSON.stringify(value)).toBe("refused");
  }
});

test("a configuration's undo counts as its inverse only for the same value of the same target", () => {
  const undoOf = (name: string, value: string) => `id: set
verb: target.config
with: { target: "{{service}}", name: memory, value: 64m }
undo:
  verb: target.config
  with: { target: "{{service}}", name: ${name}, value: "${value}" }
verify:
  checks: [{ signal: up, op: "==", value: 1 }]`;
  expect(planOf(undoOf("memory", "{{before.config}}")).reversibility).toBe("inverse");
  expect(planOf(undoOf("cpus", "{{before.config}}")).reversibility).toBe("compensated");
  expect(planOf(undoOf("memory", "32m")).reversibility).toBe("compensated");
});
