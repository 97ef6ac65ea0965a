import type { IncidentView } from "@tocsin/contracts";
import { expect, test } from "vitest";
import type { LiveEvent } from "../../../src/ui/view/events.ts";
import { frameAt, playTimes, stateAt } from "../../../src/ui/view/replay.ts";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const fact = (second: number, kind: string, more: Partial<LiveEvent> = {}): LiveEvent => ({
  id: String(second),
  at: at(second),
  incidentId: "inc_1",
  kind,
  text: kind,
  event: "incident",
  ...more,
});
const events = [
  fact(0, "opened"),
  fact(2, "investigating"),
  fact(3, "found", { event: "thought", phase: "diagnose" }),
  fact(5, "mitigating"),
  fact(900, "closed"),
];
const incident = {
  members: [
    { fingerprint: "a", startsAt: at(0), endsAt: at(6), role: "root", status: "resolved" },
    { fingerprint: "b", startsAt: at(4), role: "symptom", status: "firing" },
  ],
  runs: [
    {
      requestedAt: at(4),
      finishedAt: at(8),
      state: "succeeded",
      steps: [{ id: "restart", state: "succeeded", startedAt: at(5), finishedAt: at(8), output: "done" }],
    },
  ],
} as unknown as Pick<IncidentView, "members" | "runs">;

test("shows the state that the last fact led to, not what the incident became later", () => {
  expect([0, 1, 2, 3, 4].map((index) => stateAt(events, index))).toEqual([
    "open",
    "investigating",
    "investigating",
    "mitigating",
    "closed",
  ]);
});

test("knows only what had happened by then", () => {
  const before = frameAt(incident, events, 1);
  expect(before.members.map(({ fingerprint, status }) => [fingerprint, status])).toEqual([["a", "firing"]]);
  expect(before).toMatchObject({ runs: [], isDiagnosed: false });
  const during = frameAt(incident, events, 3);
  expect(during.members).toHaveLength(2);
  expect(during.isDiagnosed).toBe(true);
  expect(during.runs[0]).toMatchObject({ state: "running", steps: [{ id: "restart", state: "running" }] });
  expect(during.runs[0]?.steps[0]).not.toHaveProperty("output");
  expect(frameAt(incident, events, 4).runs[0]).toMatchObject({ state: "succeeded", steps: [{ output: "done" }] });
});

test("plays as it ran, but for long waits", () => {
  expect(playTimes(events)).toEqual([0, 2_000, 3_000, 5_000, 9_000]);
});
