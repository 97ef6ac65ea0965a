import { DEFAULT_CORRELATION } from "@tocsin/correlation";
import { expect, test } from "vitest";
import { readRules } from "../src/rule-file.ts";

const read = (text: string) => {
  const result = readRules(text);
  if (result.kind === "invalid") throw new Error(JSON.stringify(result.problems));
  return result.rules;
};

test("an empty file is the shipped configuration", () => {
  expect(read("")).toEqual({ correlation: DEFAULT_CORRELATION, suppress: [] });
});

test("a file changes what it names and leaves the rest", () => {
  const { correlation, suppress } = read(`
correlation:
  joinAt: 0.6
  windowSeconds: 120
  weights:
    sameService: 0.2
    infrastructure: { host: 0.9 }
watchdogs: [AlwaysOn]
suppress:
  - id: nightly
    matcher: service == "batch"
    owner: ada
    reason: runs every night
    weekly: { days: [mon, sun], from: "22:00", to: "02:00", timeZone: Europe/Vienna }
  - { id: always, matcher: 'name == "Noise"', owner: bob, reason: known }
`);
  const { weights } = DEFAULT_CORRELATION;
  expect(correlation).toEqual({
    ...DEFAULT_CORRELATION,
    joinAt: 0.6,
    windowMs: 120_000,
    watchdogNames: ["AlwaysOn"],
    weights: { ...weights, sameService: 0.2, infrastructure: { ...weights.infrastructure, host: 0.9 } },
  });
  expect(suppress.map(({ id, kind, schedule }) => [id, kind, schedule.kind])).toEqual([
    ["nightly", "rule", "weekly"],
    ["always", "rule", "weekly"],
  ]);
});

test.each([
  ["a setting that there is not, at its line", "correlation:\n  joinAt: 1\n  joinAtt: 2", 3, /joinAtt: there is no such setting/],
  ["a weight out of range", "correlation:\n  weights:\n    time: 3", 3, /weights.time/],
  [
    "a matcher that does not compile, with its column",
    "suppress:\n  - id: a\n    owner: x\n    reason: y\n    matcher: service = 1",
    5,
    /column 9 of the matcher/,
  ],
  ["what is missing, at the rule that lacks it", "watchdogs: []\nsuppress:\n  - id: a\n    matcher: 'true'\n    reason: y", 3, /owner/],
  ["an id that is there twice", "suppress:\n  - &a { id: a, matcher: 'true', owner: x, reason: y }\n  - *a", 3, /already/],
  ["text that is no YAML", "correlation: [", 1, /./],
  ["a key that is there twice", "correlation: {}\ncorrelation: {}", 2, /unique/],
])("tells of %s", (_what, text, line, message) => {
  expect(readRules(text)).toMatchObject({ kind: "invalid", problems: [{ line, text: expect.stringMatching(message) }] });
});

test("tells of every problem at once, in order", () => {
  const result = readRules("correlation: { joinAt: -1, maxHops: 1.5 }\nnonsense: 1");
  expect(result.kind === "invalid" && result.problems.map(({ line }) => line)).toEqual([1, 1, 2]);
});
