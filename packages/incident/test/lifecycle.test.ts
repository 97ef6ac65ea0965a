import { IncidentState } from "@tocsin/contracts";
import { expect, test } from "vitest";
import { EDGES, isTerminal, move, statesBefore } from "../src/lifecycle.ts";

const states = IncidentState.options;

test("escalated is reachable from every state before closed", () => {
  for (const from of states.filter((state) => state !== "closed" && state !== "escalated"))
    expect(move(from, "escalated").kind).toBe("moved");
});

test("closed is the end", () => {
  expect(isTerminal("closed")).toBe(true);
  for (const to of states) expect(move("closed", to).kind).toBe("refused");
});

test("a resolved incident goes back to investigating, and only verified or recovered ones become resolved", () => {
  expect(move("resolved", "investigating")).toEqual({ kind: "moved", from: "resolved", to: "investigating" });
  expect(move("mitigating", "resolved").kind).toBe("refused");
  expect(move("awaiting-approval", "resolved").kind).toBe("refused");
});

test("staying is no move, and a refusal names what there is", () => {
  expect(move("open", "open")).toEqual({ kind: "refused", reason: "it is open already" });
  expect(move("verifying", "mitigating")).toMatchObject({ reason: expect.stringContaining("resolved, investigating, escalated, closed") });
});

test("the states before a state are those with an edge to it", () => {
  for (const to of states) for (const from of states) expect(statesBefore(to).includes(from)).toBe(EDGES[from].includes(to));
});
