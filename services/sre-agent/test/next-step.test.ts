import { expect, test } from "vitest";
import { nextStep, type Patience, type Standing } from "../src/next-step.ts";

const PATIENCE: Patience = { soakSeconds: 10, verifyWithinSeconds: 180, verifyEverySeconds: 2, closeAfterSeconds: 15, maxRounds: 2 };
const NOW = 1_000_000;
const standing = (change: Partial<Standing>): Standing => ({
  state: "verifying",
  recoveredAtMs: NOW - 60_000,
  resolvedAtMs: undefined,
  round: 1,
  isInvestigating: false,
  run: { state: "succeeded", runbook: "roll-back" },
  verifySinceMs: NOW - 20_000,
  healthySinceMs: undefined,
  isHealthy: true,
  notBack: [],
  nowMs: NOW,
  ...change,
});
const step = (change: Partial<Standing>) => nextStep(standing(change), PATIENCE);

test("a run that succeeded is verified, not believed", () => {
  expect(step({ state: "mitigating" })).toMatchObject({ kind: "verify", how: "mitigated" });
});

test("a run that only looked hands over at once with what it found, unless it is over already", () => {
  const run = { state: "succeeded", runbook: "diagnose", looked: "last-lines: out of disk" } as const;
  expect(step({ state: "mitigating", run, recoveredAtMs: undefined })).toEqual({
    kind: "escalate",
    why: "only-looked",
    text: "diagnose only looks, and nothing that acts fits. A person has to act. It found:\nlast-lines: out of disk",
  });
  expect(step({ state: "mitigating", run })).toMatchObject({ kind: "verify" });
});

test("health begins to count when the alerts are resolved and the signals are back", () => {
  expect(step({})).toEqual({ kind: "observe", healthySinceMs: NOW, seconds: 2 });
});

test("one millisecond short of the soak it is not resolved, at the soak it is", () => {
  expect(step({ healthySinceMs: NOW - 9_999 })).toMatchObject({ kind: "observe" });
  expect(step({ healthySinceMs: NOW - 10_000 })).toMatchObject({ kind: "resolve" });
});

test("a relapse during the soak begins it anew", () => {
  expect(step({ healthySinceMs: NOW - 9_000, isHealthy: false })).toEqual({ kind: "observe", healthySinceMs: undefined, seconds: 2 });
  expect(step({ healthySinceMs: NOW - 9_000, recoveredAtMs: undefined })).toEqual({
    kind: "observe",
    healthySinceMs: undefined,
    seconds: 2,
  });
});

test("not back in time goes to a person with what is missing", () => {
  const text = {
    notBack: ["payments: memory is still at 400 MB"],
    isHealthy: false,
    recoveredAtMs: undefined,
    verifySinceMs: NOW - 180_000,
  };
  expect(step({ ...text, round: 2 })).toMatchObject({ kind: "escalate", why: "not-recovered" });
  expect((step({ ...text, round: 2 }) as { text: string }).text).toContain("alerts still fire; payments: memory is still at 400 MB");
});

test("a run that did its steps and did not bring it back leads to one more round", () => {
  const late = { isHealthy: false, recoveredAtMs: undefined, verifySinceMs: NOW - 180_000 };
  expect(step(late)).toEqual({ kind: "investigate", reason: "roll-back did not bring it back: alerts still fire" });
  expect(step({ ...late, run: undefined })).toMatchObject({ kind: "escalate", why: "not-recovered" });
});

test("healthy at the deadline may finish its soak", () => {
  expect(step({ verifySinceMs: NOW - 185_000, healthySinceMs: NOW - 3_000 })).toMatchObject({ kind: "observe" });
});

test("a run that did not help leads to one more round, then to a person", () => {
  const failed = { state: "mitigating", run: { state: "failed", runbook: "roll-back", reason: "still failing" } } as const;
  expect(step(failed)).toEqual({ kind: "investigate", reason: "roll-back did not help: still failing" });
  expect(step({ ...failed, round: 2 })).toMatchObject({ kind: "escalate", why: "run-ended-badly" });
});

test.each(["refused", "denied", "unknown"] as const)("a run that ended %s goes to a person at once", (state) => {
  expect(step({ state: "mitigating", run: { state, runbook: "roll-back" } })).toMatchObject({ kind: "escalate", why: "run-ended-badly" });
});

test.each(["requested", "running", "awaiting-approval"] as const)("while its run is %s nothing is decided", (state) => {
  expect(step({ state: "mitigating", run: { state, runbook: "roll-back" }, recoveredAtMs: undefined })).toMatchObject({ kind: "nothing" });
});

test("what recovers before anybody approved is verified, and not kept waiting for the answer", () => {
  expect(step({ state: "awaiting-approval", run: { state: "awaiting-approval", runbook: "roll-back" } })).toMatchObject({
    kind: "verify",
    how: "recovered",
  });
});

test("a recovery waits for the investigation that is under way", () => {
  expect(step({ state: "investigating", isInvestigating: true })).toEqual({ kind: "wait", seconds: 2 });
  expect(step({ state: "investigating" })).toMatchObject({ kind: "verify", how: "recovered" });
});

test("resolved closes after its time, and not while a member fires", () => {
  const resolved = { state: "resolved", resolvedAtMs: NOW - 14_000 } as const;
  expect(step(resolved)).toEqual({ kind: "wait", seconds: 1 });
  expect(step({ ...resolved, resolvedAtMs: NOW - 15_000 })).toMatchObject({ kind: "close" });
  expect(step({ ...resolved, resolvedAtMs: NOW - 15_000, recoveredAtMs: undefined })).toMatchObject({ kind: "investigate" });
});

test.each(["closed", "escalated"] as const)("%s is left alone", (state) => {
  expect(step({ state })).toMatchObject({ kind: "nothing" });
});
