import { type IncidentSummary, STORM } from "@tocsin/contracts";
import { expect, test } from "vitest";
import { groupsOf, headlineOf, isStorm, STORM_INCIDENTS } from "../../../src/ui/view/now.ts";

const incident = (id: string, more: Partial<IncidentSummary> = {}): IncidentSummary => ({
  id,
  title: id,
  state: "investigating",
  severity: "warning",
  scope: "default",
  startedAt: "2026-01-01T00:00:00.000Z",
  updatedAt: "2026-01-01T00:00:00.000Z",
  alertCount: 1,
  ...more,
});

test("what nobody has seen comes first, then the worst", () => {
  const { needsYou, beingDone } = groupsOf([
    incident("seen", { state: "escalated", severity: "critical", acknowledgedBy: "ada" }),
    incident("warning", { state: "escalated" }),
    incident("critical", { state: "awaiting-approval", severity: "critical" }),
    incident("busy"),
  ]);
  expect(needsYou.map(({ id }) => id)).toEqual(["critical", "warning", "seen"]);
  expect(beingDone.map(({ id }) => id)).toEqual(["busy"]);
});

test("is calm only when nothing is open and nothing is asked", () => {
  expect(headlineOf({ needsYou: [], beingDone: [] }, 0).tone).toBe("calm");
  expect(headlineOf({ needsYou: [], beingDone: [] }, 1)).toEqual({ title: "One thing needs you", tone: "ask" });
  expect(headlineOf({ needsYou: [], beingDone: [incident("a"), incident("b")] }, 0)).toMatchObject({ tone: "busy" });
});

test("ten incidents within five minutes are a storm, nine or old ones are none", () => {
  const now = Date.parse("2026-01-01T00:04:59.000Z");
  const many = Array.from({ length: 10 }, (_, n) => incident(String(n)));
  expect(STORM_INCIDENTS).toBe(STORM.incidents);
  expect(isStorm(many, now)).toBe(true);
  expect(isStorm(many.slice(1), now)).toBe(false);
  expect(isStorm(many, now + 1_000)).toBe(false);
});
