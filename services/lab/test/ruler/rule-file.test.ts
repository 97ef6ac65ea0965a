import { fileURLToPath } from "node:url";
import { AppError } from "@tocsin/runtime";
import { expect, test } from "vitest";
import { durationMs, parseRules, readRules } from "../../src/ruler/rule-file.ts";

const LAB_RULES = fileURLToPath(new URL("../../../../deploy/prometheus/rules/lab.yml", import.meta.url));

test("reads the lab's own rules", () => {
  const [group] = readRules(LAB_RULES);
  expect(group).toMatchObject({ name: "lab", intervalMs: 2_000 });
  expect(group?.rules.map((rule) => rule.name)).toEqual([
    "Watchdog",
    "ServiceDown",
    "ServiceCrashLooping",
    "HighErrorRatio",
    "HighLatency",
    "PoolExhausted",
    "HighCpu",
    "HighMemory",
  ]);
});

test.each([
  ["0", 0],
  ["5s", 5_000],
  ["1h30m", 5_400_000],
  ["250ms", 250],
  ["5", undefined],
  ["5 s", undefined],
  ["", undefined],
])("takes the duration %j as %j ms", (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

const rule = (more: string) => `groups: [{name: g, rules: [{alert: A, expr: up == 0, ${more}}]}]`;
test.each([
  ["text that is no YAML", "groups: [", /flow/i],
  ["no groups", "groups: []", /groups/],
  ["a duration that is none", rule("for: soon"), /"soon" is not a duration/],
  ["a template that it cannot fill", rule("annotations: {summary: '{{ $value | title }}'}"), /cannot be read at: \$value \| title/],
  ["a recording rule", "groups: [{name: g, rules: [{record: a:b, expr: up}]}]", /record/],
  ["a misspelled key", rule("fro: 5s"), /fro/],
])("refuses %s, with the file and the place", (_, text, reason) => {
  const error = (() => {
    try {
      return parseRules(text, "my-rules.yml");
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(AppError.is(error, "LAB_RULES_INVALID")).toBe(true);
  expect((error as Error).message).toMatch(/^my-rules\.yml: /);
  expect((error as Error).message).toMatch(reason);
});

test("says which file cannot be read", () => {
  expect(() => readRules("/nowhere/rules.yml")).toThrow(/\/nowhere\/rules\.yml.*ENOENT/);
});
