import { expect, test } from "vitest";
import { type ErrorHistory, errorBudgetOf } from "../src/error-budget.ts";

const NOW = 1_000_000;
const objective = { ratio: 0.99, windowDays: 30 };
const DAY = 86_400;
/** One sample a step over the last `seconds`, ascending. */
const series = (seconds: number, step: number, value: (age: number) => number) =>
  Array.from({ length: Math.round(seconds / step) }, (_, i) => {
    const age = seconds - (i + 1) * step;
    return [NOW - age, value(age)] as const;
  });
const history = (recent: (age: number) => number, long: (age: number) => number = () => 0, days = 30): ErrorHistory => ({
  recent: { errors: series(3_600, 30, recent), traffic: series(3_600, 30, () => 5) },
  long: { errors: series(days * DAY, 1_800, long), traffic: series(days * DAY, 1_800, () => 5), stepSeconds: 1_800 },
});

test("burns as fast as errors exceed what is allowed", () => {
  expect(
    errorBudgetOf(
      "cart",
      objective,
      history(() => 0.144),
      NOW,
    )?.burnRate,
  ).toBeCloseTo(14.4, 5);
});

test("a burst that is over does not burn any more, and one that has just begun does not yet", () => {
  expect(
    errorBudgetOf(
      "cart",
      objective,
      history((age) => (age > 600 ? 0.5 : 0)),
      NOW,
    )?.burnRate,
  ).toBe(0);
  expect(
    errorBudgetOf(
      "cart",
      objective,
      history((age) => (age < 300 ? 0.5 : 0)),
      NOW,
    )?.burnRate,
  ).toBeCloseTo(4.2, 0);
});

test("is exhausted when the whole window's errors reach what is allowed", () => {
  expect(
    errorBudgetOf(
      "cart",
      objective,
      history(
        () => 0,
        () => 0.0101,
      ),
      NOW,
    ),
  ).toMatchObject({ exhausted: true });
  expect(
    errorBudgetOf(
      "cart",
      objective,
      history(
        () => 0,
        () => 0.0099,
      ),
      NOW,
    ),
  ).toMatchObject({ exhausted: false });
});

test("time that the metrics do not reach back to spent nothing", () => {
  const young = errorBudgetOf(
    "cart",
    objective,
    history(
      () => 0,
      () => 0.05,
      3,
    ),
    NOW,
  );
  expect(young?.spentRatio).toBeCloseTo(0.5, 2);
});

test("errors count by the traffic that they met", () => {
  const quietNight: ErrorHistory = {
    recent: {
      errors: [
        [NOW - 60, 1],
        [NOW - 30, 0],
      ],
      traffic: [
        [NOW - 60, 1],
        [NOW - 30, 99],
      ],
    },
    long: { errors: [], traffic: [], stepSeconds: 1_800 },
  };
  expect(errorBudgetOf("cart", objective, quietNight, NOW)?.burnRate).toBeCloseTo(1, 5);
});

test("no budget is kept where nothing was measured", () => {
  const nothing = { errors: [], traffic: [] };
  expect(errorBudgetOf("cart", objective, { recent: nothing, long: { ...nothing, stepSeconds: 1_800 } }, NOW)).toBeUndefined();
});
