import { expect, test } from "vitest";
import { chooseWindow } from "../src/window.ts";

const OPTIONS = { baselineSeconds: 900, leadSeconds: 75 };

test("the incident begins a lead before its first alert", () => {
  expect(chooseWindow(10_000, 10_030, OPTIONS)).toEqual({ from: 9_025, splitAt: 9_925, to: 10_030 });
});

test("a source that began only lately gives up lead for a baseline", () => {
  expect(chooseWindow(10_000, 10_030, OPTIONS, { oldestSampleAt: 9_920 }).splitAt).toBe(9_965);
});

test("the split never lies after the alert", () => {
  expect(chooseWindow(10_000, 10_030, OPTIONS, { oldestSampleAt: 9_990 }).splitAt).toBe(9_995);
});

test("an alert from the future counts as now", () => {
  expect(chooseWindow(99_999, 10_000, OPTIONS)).toEqual({ from: 9_025, splitAt: 9_925, to: 10_000 });
});

test("where the alerting service's own signals show since when, that counts, with room for what came before", () => {
  expect(chooseWindow(10_000, 10_030, OPTIONS, { onsetAt: 9_500 }).splitAt).toBe(9_470);
  expect(chooseWindow(10_000, 10_030, OPTIONS, { onsetAt: 9_990 }).splitAt).toBe(9_960);
});

test("what lies in an earlier incident's time is not this one's", () => {
  expect(chooseWindow(10_000, 10_030, OPTIONS, { earlierUntil: 9_950 }).splitAt).toBe(9_950);
  expect(chooseWindow(10_000, 10_030, OPTIONS, { earlierUntil: 9_990, onsetAt: 9_970 }).splitAt).toBe(9_965);
  expect(chooseWindow(10_000, 10_030, OPTIONS, { earlierUntil: 9_000 }).splitAt).toBe(9_925);
});
