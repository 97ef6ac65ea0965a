import type { DryRunView } from "@tocsin/contracts";
import { expect, test } from "vitest";
import { byStrictness, nameOfRule, originInWords, outcomeOf, reasonBeside } from "../../../src/ui/view/dry-run.ts";

type Plan = Pick<Extract<DryRunView, { kind: "plan" }>, "policy" | "targets" | "steps">;
const plan = (policy: Partial<Plan["policy"]>, more: Partial<Plan> = {}): Plan => ({
  policy: { verdict: "allow", environment: "lab", autonomy: "L3", emergencyOnly: false, reasons: [], ...policy },
  targets: [{ id: "payments", text: "1 of 1 replicas healthy" }],
  steps: [],
  ...more,
});
const step = (acts: boolean, ...holds: boolean[]): Plan["steps"][number] => ({
  id: "s",
  deed: "restart payments",
  acts,
  reversibility: "self-reversing",
  preconditions: holds.map((each) => ({ holds: each, text: "up of payments == 0" })),
  checks: [],
});

test("what stands in the way comes first, a refusal before a question, each in the order asked", () => {
  const { inTheWay, allowed } = byStrictness([
    { rule: "lock", verdict: "allow", text: "" },
    { rule: "match", verdict: "needs-approval", text: "" },
    { rule: "rate", verdict: "refuse", text: "" },
    { rule: "autonomy", verdict: "needs-approval", text: "" },
    { rule: "red-button", verdict: "refuse", text: "" },
    { rule: "freeze", verdict: "allow", text: "" },
  ]);
  expect(inTheWay.map(({ rule }) => rule)).toEqual(["rate", "red-button", "match", "autonomy"]);
  expect(allowed.map(({ rule }) => rule)).toEqual(["lock", "freeze"]);
});

test.each([
  [plan({}), "good", "It would run by itself in lab."],
  [plan({}, { targets: [] }), "good", "It would run by itself: it only looks."],
  [plan({ verdict: "needs-approval" }), "ask", "A person would be asked first in lab."],
  [
    plan({ verdict: "needs-approval", emergencyOnly: true }),
    "ask",
    "A person would be asked first in lab, and only an emergency is a reason.",
  ],
  [plan({ verdict: "refuse" }), "bad", "It would be refused in lab."],
  [plan({ verdict: "refuse", retrySeconds: 5 }), "warn", "It would have to wait in lab: asked again after 5 s."],
  [
    plan({}, { steps: [step(false), step(true, true, false)] }),
    "warn",
    "It would be let run in lab, but would not act while things are as they are.",
  ],
  // Only the first act is asked about: what it changes may be what the next one needs.
  [plan({}, { steps: [step(true, true), step(true, false)] }), "good", "It would run by itself in lab."],
])("outcome %#", (given, tone, text) => expect(outcomeOf(given)).toEqual({ tone, text }));

test("a reason beside its rule's name does not begin with it again", () => {
  expect(reasonBeside("autonomy", "autonomy L2 acts after an approval")).toBe("L2 acts after an approval");
  expect(reasonBeside("red-button", "the red button is not pressed")).toBe("the red button is not pressed");
  expect(reasonBeside("rate", "rate")).toBe("rate");
});

test("rules and origins have words, also those that nobody named", () => {
  expect(nameOfRule("last-replica")).toBe("Last replica");
  expect(nameOfRule("some-new-rule")).toBe("some new rule");
  expect(originInWords("alert.label.tablespace")).toBe("the alert's label tablespace");
});
