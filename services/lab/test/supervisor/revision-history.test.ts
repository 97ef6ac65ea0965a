import { expect, test } from "vitest";
import { current, type History, previous, revisionOf, rolledBack, rolledOut } from "../../src/supervisor/revision-history.ts";

const [one, two, three, four] = ["1.0", "2.0", "3.0", "4.0"].map((version) => revisionOf(version, [], "c")) as [
  ReturnType<typeof revisionOf>,
  ReturnType<typeof revisionOf>,
  ReturnType<typeof revisionOf>,
  ReturnType<typeof revisionOf>,
];
const history: History = { line: [one, two], at: 1 };

test("a rollback goes to the revision before, and a second one further back", () => {
  const bad = rolledOut(history, three);
  const back = rolledBack(bad) as History;
  expect(current(back)).toBe(two);
  expect(previous(back)).toBe(one);
});

test("a rollback is undone by naming the revision it came from", () => {
  const back = rolledBack(rolledOut(history, three)) as History;
  const again = rolledBack(back, three.id) as History;
  expect(current(again)).toBe(three);
  expect(previous(again)).toBe(two);
});

test("nothing is before the first revision, and unknown ones lead nowhere", () => {
  expect(rolledBack({ line: [one], at: 0 })).toBeUndefined();
  expect(rolledBack(history, "9.9+000000")).toBeUndefined();
});

test("what had been rolled back is dropped by the next roll-out, so that a rollback never leads to it", () => {
  const next = rolledOut(rolledBack(rolledOut(history, three)) as History, four);
  expect(next.line.map((revision) => revision.version)).toEqual(["1.0", "2.0", "4.0"]);
  expect(previous(next)).toBe(two);
});

test("a revision changes with its configuration", () => {
  expect(revisionOf("1.0", [], "a").id).not.toBe(revisionOf("1.0", [], "b").id);
  expect(revisionOf("1.0", [], "a").id).toMatch(/^1\.0\+[0-9a-f]{6}$/);
});
