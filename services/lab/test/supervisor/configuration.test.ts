import { expect, test } from "vitest";
import { configurationOf, configured, settingProblem } from "../../src/supervisor/configuration.ts";
import { current, revisionOf } from "../../src/supervisor/revision-history.ts";

const first = revisionOf("1.0", ["--backend-url", "tcp://db"], "initial");
const history = { line: [first], at: 0 };

test("a value is a new revision, and the old value is the revision before, not a third", () => {
  const set = configured(history, first, { name: "pool-size", value: "20" });
  expect(current(set).args).toEqual(["--backend-url", "tcp://db", "--pool-size", "20"]);
  expect(current(set).id).not.toBe(first.id);
  expect(configurationOf(current(set))).toEqual({ "pool-size": "20" });
  const back = configured(set, current(set), { name: "pool-size", value: null });
  expect(current(back)).toBe(first);
  expect(configurationOf(current(back))).toEqual({ "pool-size": null });
});

test("the same value again changes nothing", () => {
  const set = configured(history, first, { name: "pool-size", value: "20" });
  expect(configured(set, current(set), { name: "pool-size", value: "20" })).toBe(set);
});

test("only what does no harm can be set, to what looks like it", () => {
  expect(settingProblem({ name: "pool-size", value: "20" })).toBeUndefined();
  expect(settingProblem({ name: "pool-size", value: null })).toBeUndefined();
  expect(settingProblem({ name: "pool-size", value: "0" })).toBe('"0" is no pool-size');
  expect(settingProblem({ name: "defect-ratio", value: "1" })).toContain('"defect-ratio" cannot be set');
  expect(settingProblem({ name: "constructor", value: "1" })).toContain("cannot be set");
});
