import { expect, test } from "vitest";
import { effectParts } from "../../../src/ui/view/approval.ts";

test("what would be done is kept apart from how things stand, and nothing is left out", () => {
  expect(effectParts("Restart (acts on a)\n1. read a\n2. restart a\nNow:\na: 1 of 1 healthy\nPolicy:\nrate: allow: few")).toEqual({
    title: "Restart (acts on a)",
    steps: ["read a", "restart a"],
    standing: ["a: 1 of 1 healthy"],
    policy: ["rate: allow: few"],
  });
  expect(effectParts("Only a title")).toEqual({ title: "Only a title", steps: [], standing: [], policy: [] });
});
