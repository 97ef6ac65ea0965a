import { expect, test } from "vitest";
import { chaptersOf, type LiveEvent, mergeEvents } from "../../../src/ui/view/events.ts";

const item = (id: number, more: Partial<LiveEvent> = {}): LiveEvent => ({
  id: String(id),
  at: `2026-01-01T00:00:${String(id % 60).padStart(2, "0")}.000Z`,
  incidentId: "inc_1",
  kind: "note",
  text: `n ${id}`,
  event: "thought",
  ...more,
});
const ids = (events: readonly LiveEvent[]) => events.map(({ id }) => id);

test("a page of the past and what came meanwhile make one list, each once, in order of the log", () => {
  const live = mergeEvents([], [item(9), item(10)]);
  const whole = mergeEvents(live, [item(2), item(8), item(9), item(10)]);
  expect(ids(whole)).toEqual(["2", "8", "9", "10"]);
  expect(mergeEvents(whole, [item(8)])).toBe(whole);
  expect(ids(mergeEvents(whole, [item(11), item(11)]))).toEqual(["2", "8", "9", "10", "11"]);
});

test("a chapter begins where the phase changes, and facts stay in the one they fall into", () => {
  const chapters = chaptersOf([
    item(1, { event: "incident", kind: "opened" }),
    item(2, { phase: "gather" }),
    item(3, { event: "incident", kind: "joined" }),
    item(4, { phase: "diagnose" }),
    item(5, { event: "action", kind: "started" }),
    item(6, { phase: "verify" }),
  ]);
  expect(chapters.map(({ phase, events }) => [phase, ids(events)])).toEqual([
    ["alert", ["1"]],
    ["gather", ["2", "3"]],
    ["diagnose", ["4"]],
    ["act", ["5"]],
    ["verify", ["6"]],
  ]);
});
