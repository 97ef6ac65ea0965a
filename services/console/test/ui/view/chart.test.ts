import { expect, test } from "vitest";
import { describeChart, rangeOf, thresholdInWords, timesOf } from "../../../src/ui/view/chart.ts";

test.each([
  ["nothing above the lines", 0, 10, undefined, [0, 11.5]],
  ["a threshold within", 0, 10, 5, [0, 11.5]],
  ["a threshold a little above", 0, 10, 20, [0, 23]],
  ["a threshold so far above that the lines would be flat", 0, 10, 100, [0, 11.5]],
  ["a threshold below zero", -1, 10, -3, [-3.45, 11.5]],
  ["no sample, and a threshold", null, null, 0.9, [0, 1]],
  ["only zeroes, and a threshold", 0, 0, 3, [0, 3.45]],
  ["a threshold that is none", 0, 10, Number.NaN, [0, 11.5]],
] as const)("%s", (_what, min, max, threshold, range) => {
  const [from, to] = rangeOf(min, max, threshold);
  expect(from).toBeCloseTo(range[0]);
  expect(to).toBeCloseTo(range[1]);
});

const samples = [
  [1, 1e8],
  [2, 3e8],
  [3, 2e8],
  [4, null],
] as const;

test("a chart in words has its level before, its threshold, and on which side of it the last value is", () => {
  const words = { label: "Memory of a", lines: [{ name: "B", samples }], unit: "B", markers: [] };
  expect(describeChart({ ...words, baseline: 9e7, threshold: 1.5e8 })).toBe(
    "Memory of a. B: last 200 MB, least 100 MB, most 300 MB. before 90 MB. threshold 150 MB, the last value is above it",
  );
  expect(describeChart({ ...words, lines: [{ name: "B", samples: [[1, null]] }], threshold: 1 })).toBe(
    "Memory of a. B: no data. threshold 1 B",
  );
  expect(describeChart({ ...words, lines: [words.lines[0], words.lines[0]] as never, threshold: 1e8 })).toMatch(/threshold 100 MB$/);
});

test.each([
  [3, "below"],
  [5, "at"],
  [7, "above"],
])("a last value of %i is %s a threshold of 5", (last, where) => {
  expect(thresholdInWords(5, "count", last)).toBe(`threshold 5, the last value is ${where} it`);
});

test("moments along an axis differ from each other, however close they are", () => {
  const from = new Date(2026, 0, 1, 17, 38, 0).getTime() / 1_000;
  const every = (seconds: number) => timesOf([0, 1, 2].map((n) => from + n * seconds));
  expect(every(20)).toEqual(["17:38:00", "17:38:20", "17:38:40"]);
  expect(every(60)).toEqual(["17:38", "17:39", "17:40"]);
  expect(every(86_400)).toEqual(["1.1.", "2.1.", "3.1."]);
  expect(timesOf([from])).toEqual(["17:38"]);
  expect(timesOf([])).toEqual([]);
});
