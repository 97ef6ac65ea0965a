import { expect, test } from "vitest";
import { effectParts } from "../../../src/ui/view/approval.ts";

test("what would be done is kept apart from how things stand, and nothing is left out", () => {
  expect(effectParts("Restart (acts on a)\n1. read a\n2. restart a\nNow:\na: 1 of 1 healthy\nPolicy:\nrate: allow: few")).toEqual({
    title: "Restart (acts on a)",
    steps: ["read a", "restart a"],
    standing: ["a: 1 of 1 healthy"],
    policy: [{ rule: "rate", verdict: "allow", text: "few" }],
  });
  expect(effectParts("Only a title")).toEqual({ title: "Only a title", steps: [], standing: [], policy: [] });
});

test("a reason of several lines stays whole, also where one of them looks like nothing known", () => {
  const { policy } = effectParts("T\n1. a\nPolicy:\nred-button: refuse: the red button is pressed: look\nat this: first\nrate: allow: few");
  expect(policy).toEqual([
    { rule: "red-button", verdict: "refuse", text: "the red button is pressed: look\nat this: first" },
    { rule: "rate", verdict: "allow", text: "few" },
  ]);
});
