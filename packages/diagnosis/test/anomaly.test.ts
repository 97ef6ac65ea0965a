import type { Sample } from "@tocsin/contracts";
import { describe, expect, test } from "vitest";
import { detectAnomaly, detectDown, detectRestarts } from "../src/anomaly.ts";
import { SIGNAL_TRAITS } from "../src/signal-traits.ts";

const SPLIT = 1_000;
const noise = (i: number) => Math.sin(i * 12.9898) * 0.5;
/** 100 samples of a baseline around `normal`, then the incident's. */
const around = (normal: number, spread: number, after: readonly number[]): Sample[] => [
  ...Array.from({ length: 100 }, (_, i): Sample => [SPLIT - 500 + i * 5, normal + spread * noise(i)]),
  ...after.map((value, i): Sample => [SPLIT + i * 5, value]),
];
const cpu = SIGNAL_TRAITS.cpu;

test("a level that stays away is found with its onset, direction and numbers", () => {
  const anomaly = detectAnomaly(around(0.1, 0.02, [0.1, 0.1, 0.9, 0.9, 0.9, 0.9]), SPLIT, cpu);
  expect(anomaly).toMatchObject({ direction: "up", onsetAt: SPLIT + 10, persistence: 1 });
  expect(anomaly?.baseline).toBeCloseTo(0.1, 1);
  expect(anomaly?.level).toBe(0.9);
});

test("a fall of a signal that hurts upwards only is no anomaly", () => {
  expect(detectAnomaly(around(0.5, 0.02, [0.1, 0.1, 0.1]), SPLIT, cpu)).toBeUndefined();
});

test("what the baseline did once in fifty samples is nothing new", () => {
  const samples = around(0.1, 0.01, [0.1, 0.6, 0.1, 0.1]).map(([at, value], i): Sample => [at, i < 100 && i % 30 === 0 ? 0.6 : value]);
  expect(detectAnomaly(samples, SPLIT, cpu)).toBeUndefined();
});

test("a drift that had happened before the incident is no anomaly", () => {
  const samples = around(0.1, 0.01, [0.5, 0.5, 0.5, 0.5]).map(([at, value]): Sample => [at, at >= SPLIT - 300 && at < SPLIT ? 0.5 : value]);
  expect(detectAnomaly(samples, SPLIT, cpu)).toBeUndefined();
});

test("a leak is a trend", () => {
  const leak = Array.from({ length: 12 }, (_, i) => 8e7 + i * 6e6);
  expect(detectAnomaly(around(8e7, 1e6, leak), SPLIT, SIGNAL_TRAITS.memory)?.isTrend).toBe(true);
});

test("gaps, infinities and negative rates after a counter reset are left out", () => {
  const broken = [Number.NaN, -4_000, Number.POSITIVE_INFINITY, 0.1, 0.1];
  expect(detectAnomaly(around(0.1, 0.02, broken), SPLIT, cpu)).toBeUndefined();
});

test("too short a baseline says nothing, one sample more does", () => {
  const short = (count: number): Sample[] => [
    ...Array.from({ length: count }, (_, i): Sample => [SPLIT - 50 + i * 5, 0.1]),
    [SPLIT, 0.9],
    [SPLIT + 5, 0.9],
  ];
  expect(detectAnomaly(short(3), SPLIT, cpu)).toBeUndefined();
  expect(detectAnomaly(short(4), SPLIT, cpu)).toBeDefined();
});

test("a series that hardly ever had a value before has no normal state", () => {
  const rare = around(0.1, 0.02, [0.9, 0.9]).map(([at, value], i): Sample => [at, i < 96 ? Number.NaN : value]);
  expect(detectAnomaly(rare, SPLIT, cpu)).toBeUndefined();
});

test("ten times the deviation is some strength more, not ten times", () => {
  const small = detectAnomaly(around(0.1, 0.02, [0.3, 0.3, 0.3]), SPLIT, cpu)?.strength ?? 0;
  const large = detectAnomaly(around(0.1, 0.02, [2.1, 2.1, 2.1]), SPLIT, cpu)?.strength ?? 0;
  expect(large).toBeGreaterThan(small + 2);
  expect(large).toBeLessThanOrEqual(6);
});

describe("reachability", () => {
  const ups = (...values: number[]): Sample[] => values.map((value, i) => [SPLIT + i * 5, value]);
  test("one lost scrape among many is none", () => expect(detectDown(ups(1, 0, 1, 1), SPLIT)).toBeUndefined());
  test("two are", () => expect(detectDown(ups(1, 0, 0, 1), SPLIT)).toMatchObject({ direction: "down", onsetAt: SPLIT + 5 }));
  test("what was down before the incident alone does not count", () => {
    expect(
      detectDown(
        [
          [SPLIT - 10, 0],
          [SPLIT - 5, 0],
          [SPLIT, 1],
          [SPLIT + 5, 1],
        ],
        SPLIT,
      ),
    ).toBeUndefined();
  });
});

describe("restarts", () => {
  const counts = (...values: number[]): Sample[] => values.map((value, i) => [SPLIT - 50 + i * 10, value]);
  test("a release or a remedy is one start and no loop", () => {
    expect(detectRestarts(counts(0, 0, 0, 0, 0, 0, 1, 1, 1), SPLIT)).toBeUndefined();
  });
  test("two starts within a minute are a loop", () => {
    expect(detectRestarts(counts(0, 0, 0, 0, 0, 0, 1, 1, 2), SPLIT)).toMatchObject({ onsetAt: SPLIT + 10, level: 2 });
  });
  test("a count that stays high from before says nothing, nor one that falls", () => {
    expect(detectRestarts(counts(0, 3, 3, 3, 3, 3, 3, 3, 2), SPLIT)).toBeUndefined();
  });
  test("starts that ended a while ago are over", () => {
    expect(detectRestarts(counts(0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 2, 2), SPLIT)).toBeUndefined();
  });
});
