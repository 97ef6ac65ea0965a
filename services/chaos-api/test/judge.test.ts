import type { DrillView } from "@tocsin/contracts";
import type { DrillIncident } from "@tocsin/store";
import { expect, test } from "vitest";
import { judge } from "../src/judge.ts";

const T0 = Date.parse("2026-01-01T00:00:00.000Z");
const at = (seconds: number) => new Date(T0 + seconds * 1000).toISOString();
const drill: DrillView = {
  id: "drl_1",
  fault: "hang",
  target: "payments",
  seconds: 100,
  state: "running",
  at: { injected: at(0) },
  cause: { expected: "payments", right: false },
  action: { expected: "target.restart", right: false },
};
const incident: DrillIncident = {
  id: "inc_1",
  state: "investigating",
  involvesTarget: true,
  isNew: true,
  openedAt: at(12),
  closedAt: undefined,
  escalation: undefined,
  escalatedAt: undefined,
  firedAt: at(11),
  verdict: "pending",
  cause: undefined,
  action: undefined,
  verifiedAt: undefined,
};
const cause = { service: "payments", at: at(15) };
const action = { verb: "target.restart", at: at(16) };
const closed = { state: "closed", verdict: "cause", cause, action, verifiedAt: at(40), closedAt: at(50) } as const;
const look = (seconds: number, seen?: Partial<DrillIncident>, before = drill) =>
  judge(before, seen && { ...incident, ...seen }, T0 + seconds * 1000);

test("stays as it is while nothing is seen", () => {
  expect(look(99.999)).toBe(drill);
});

test("marks what has happened so far", () => {
  expect(look(13, {})).toMatchObject({ state: "running", incidentId: "inc_1", at: { injected: at(0), fired: at(11), incident: at(12) } });
  expect(look(17, { verdict: "cause", cause, action })).toMatchObject({
    state: "running",
    at: { cause: at(15), action: at(16) },
    cause: { expected: "payments", found: "payments", right: true },
    action: { expected: "target.restart", taken: "target.restart", right: true },
  });
});

test("passes when the incident is closed with the right cause and the right action", () => {
  const passed = look(51, closed);
  expect(passed).toMatchObject({ state: "passed", at: { verified: at(40), closed: at(50) } });
  expect(passed.reason).toBeUndefined();
});

test.each([
  ["another service is named", { cause: { service: "checkout", at: at(15) } }, "the cause named is checkout, not payments"],
  ["nobody is named", { cause: undefined, verdict: "inconclusive" }, "the cause named is none, not payments"],
  [
    "another action is taken first",
    { action: { verb: "target.rollback", at: at(16) } },
    "the first action was target.rollback, not target.restart",
  ],
  ["nothing is done", { action: undefined }, "the first action was none, not target.restart"],
] as const)("fails with the reason when %s", (_, wrong, reason) => {
  expect(look(51, { ...closed, ...wrong })).toMatchObject({ state: "failed", reason });
});

test("fails as soon as the incident is handed to a person, with what was written", () => {
  expect(look(20, { state: "escalated", escalation: "no runbook fits" })).toMatchObject({
    state: "failed",
    reason: "the incident was handed to a person: no runbook fits",
  });
});

test("says so when its alerts joined an incident that a person had been given before", () => {
  const old = { state: "escalated", escalation: "inconclusive", escalatedAt: at(-60), isNew: false } as const;
  expect(look(20, old).reason).toBe(
    "its alerts joined an incident that had been handed to a person before the drill (inconclusive): close that one first",
  );
  expect(look(20, { ...old, escalatedAt: at(15) }).reason).toBe("the incident was handed to a person: inconclusive");
});

test("fails at the deadline and not a moment before", () => {
  expect(look(99.999, { state: "verifying" }).state).toBe("running");
  expect(look(100, { state: "verifying" })).toMatchObject({
    state: "failed",
    reason: "not closed within 100 s: the incident is still verifying",
  });
  expect(look(100)).toMatchObject({ state: "failed", reason: "not closed within 100 s: no incident was opened" });
});

test("passes when it was closed by the deadline, though nobody looked until after", () => {
  expect(look(130, closed).state).toBe("passed");
});

test("takes no incident for its own that does not involve the target, until the deadline makes it part of the report", () => {
  const other = { ...closed, id: "inc_other", involvesTarget: false, cause: { service: "checkout", at: at(15) } };
  expect(look(51, other)).toBe(drill);
  expect(look(100, other)).toMatchObject({
    state: "failed",
    incidentId: "inc_other",
    cause: { found: "checkout", right: false },
    reason: expect.stringContaining("no incident involves payments; shown is the first that was opened after the injection"),
  });
});

test("says when its alerts joined an incident that was open before", () => {
  const joined = { ...closed, isNew: false, openedAt: at(-60) };
  expect(look(51, joined)).toMatchObject({
    state: "passed",
    at: { incident: at(11) },
    reason: "its alerts joined an incident that was open before",
  });
});

test("keeps a mark once it is set, and follows the cause when the diagnosis is revised", () => {
  const first = look(17, { verdict: "cause", cause: { service: "checkout", at: at(15) } });
  const revised = look(30, { verdict: "cause", cause: { service: "payments", at: at(28) } }, first);
  expect(revised).toMatchObject({ at: { cause: at(15) }, cause: { found: "payments", right: true } });
});

test("never changes again once it has ended", () => {
  const failed = look(100);
  expect(look(120, closed, failed)).toBe(failed);
});
