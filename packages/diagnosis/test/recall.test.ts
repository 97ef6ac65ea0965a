import { expect, test } from "vitest";
import { likenessReasons, type PastIncident, recallOf } from "../src/recall.ts";

const past = (n: number, change: Partial<PastIncident> = {}): PastIncident => ({
  id: `inc_${n}`,
  title: "Memory grows on payments",
  startedAt: `2026-01-0${n}T03:00:00.000Z`,
  state: "closed",
  similarity: 0.9 - n / 100,
  marks: ["alert:MemoryGrows", "cause:payments:resource", "kind:resource", "service:payments"],
  cause: { service: "payments", kind: "resource" },
  runs: [{ runbook: "restart", title: "Restart", state: "succeeded" }],
  ...change,
});
const MARKS = ["alert:MemoryGrows", "kind:resource", "service:payments"];

test("says what ended such incidents and how often", () => {
  const recall = recallOf(MARKS, [
    past(1),
    past(2),
    past(3, { state: "escalated", runs: [{ runbook: "restart", title: "Restart", state: "failed" }] }),
  ]);
  expect(recall.fixes).toEqual([{ runbook: "restart", title: "Restart", tried: 3, helped: 2 }]);
  expect(recall.hypothesis).toEqual({ service: "payments", kind: "resource", times: 3, of: 3 });
  expect(recall.text.join(" ")).toContain("restart, in 2 of 3 tries");
});
test("a run that succeeded in an incident that went to a person all the same did not help", () => {
  expect(recallOf(MARKS, [past(1, { state: "escalated" })]).fixes).toEqual([{ runbook: "restart", title: "Restart", tried: 1, helped: 0 }]);
});
test("runs that were refused or denied tried nothing", () => {
  const runs = ["refused", "denied", "awaiting-approval"].map((state) => ({ runbook: "restart", title: "Restart", state }));
  expect(recallOf(MARKS, [past(1, { runs })]).fixes).toEqual([]);
});
test("a cause that a person called wrong is not suggested again", () => {
  expect(recallOf(MARKS, [past(1, { wasRight: false })]).hypothesis).toBeUndefined();
});
test("causes that contradict each other suggest none", () => {
  expect(recallOf(MARKS, [past(1), past(2, { cause: { service: "catalogue", kind: "crash" } })]).hypothesis).toBeUndefined();
});
test("without a past it says so", () => {
  expect(recallOf(MARKS, [])).toEqual({ alike: [], fixes: [], text: ["Nothing like it is remembered."] });
});
test("reasons name what both have", () => {
  expect(likenessReasons(MARKS, past(1).marks)).toEqual(["the same kind of cause", "the same alert MemoryGrows", "alerts on payments"]);
  expect(likenessReasons(MARKS, ["service:other"])).toEqual(["it reads alike"]);
});
