import { expect, test } from "vitest";
import { correlate, createWorkingSet, DEFAULT_CORRELATION, restorePair } from "../src/index.ts";
import { alert, groups } from "./alerts.ts";

const day = 86_400;
const first = (at: number) => alert({ name: "BatchLate", service: "ledger", at });
const second = (at: number) => alert({ name: "QueueFull", service: "mailer", at: at + 20 });
const end = (of: ReturnType<typeof alert>, at: number) => ({
  ...alert({ name: of.name, service: of.service as string, at: at - 60, endsAt: at }),
});

/** Both fire on a day, and both resolve. */
function together(set: ReturnType<typeof createWorkingSet>, onDay: number) {
  const at = onDay * day;
  const changes = [first(at), second(at), end(first(at), at + 600), end(second(at), at + 600)].flatMap(
    (each) => correlate(set, [each]).pairs,
  );
  for (const incident of set.incidents.values()) incident.state = "closed";
  set.incidents.clear();
  return changes;
}

test("what has come together often enough is grouped from then on, with the share as reason", () => {
  const set = createWorkingSet("default");
  for (let onDay = 0; onDay < 5; onDay++) together(set, onDay);
  correlate(set, [first(10 * day)]);
  const joined = correlate(set, [second(10 * day)]);
  expect(groups(set)).toEqual([["ledger:BatchLate", "mailer:QueueFull"]]);
  expect(joined.members[0]?.reasons.map(({ kind }) => kind)).toContain("co-occurrence");
});

test("what has come together twice is chance", () => {
  const set = createWorkingSet("default");
  for (let onDay = 0; onDay < 2; onDay++) together(set, onDay);
  correlate(set, [first(10 * day)]);
  correlate(set, [second(10 * day)]);
  expect(groups(set)).toHaveLength(2);
});

test("a year later it is forgotten", () => {
  const set = createWorkingSet("default");
  for (let onDay = 0; onDay < 5; onDay++) together(set, onDay);
  correlate(set, [first(370 * day)]);
  correlate(set, [second(370 * day)]);
  expect(groups(set)).toHaveLength(2);
});

test("stored pairs restore what was learned", () => {
  const teacher = createWorkingSet("default");
  const learned = [0, 1, 2, 3, 4].flatMap((onDay) => together(teacher, onDay));
  const pupil = createWorkingSet("default");
  for (const pair of learned) restorePair(pupil.pairs, pair, DEFAULT_CORRELATION.pairMinimum);
  correlate(pupil, [first(10 * day)]);
  correlate(pupil, [second(10 * day)]);
  expect(groups(pupil)).toHaveLength(1);
});
