import { expect, test } from "vitest";
import { effectParts } from "../../../src/ui/view/approval.ts";

test("what would be done is kept apart from how things stand, and nothing is left out", () => {
  expect(effectParts("Restart (acts on a)\n1. read a\n2. restart a\nNow:\na: 1 of 1 healthy\nPolicy:\nrate: allow: few")).toEqual({
    title: "Restart (acts on a)",
    steps: [
      { deed: "read a", notes: [] },
      { deed: "restart a", notes: [] },
    ],
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

test("what is said of a step stands apart from what it does, whatever the deed's own text has in it", () => {
  const { steps } = effectParts(
    [
      "T",
      "1. restart a; nothing to undo: the same revision runs after it; only if up of a == 0; good when up of a == 1 for 10 s within 90 s",
      "2. roll a back; undo: roll a back to the revision it had",
      "3. POST https://hooks.example/x; cannot be undone; only if up of a == 0",
      "4. tell: look; it leaks; undo it by hand",
    ].join("\n"),
  );
  expect(steps).toEqual([
    {
      deed: "restart a",
      notes: ["nothing to undo: the same revision runs after it", "only if up of a == 0", "good when up of a == 1 for 10 s within 90 s"],
    },
    { deed: "roll a back", notes: ["undo: roll a back to the revision it had"] },
    { deed: "POST https://hooks.example/x", notes: ["cannot be undone", "only if up of a == 0"] },
    { deed: "tell: look; it leaks; undo it by hand", notes: [] },
  ]);
});
