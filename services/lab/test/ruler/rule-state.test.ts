import type { Series } from "@tocsin/contracts";
import { expect, test } from "vitest";
import type { AlertRule } from "../../src/ruler/rule-file.ts";
import { evaluated, type RuleState, toTell, withoutResolved } from "../../src/ruler/rule-state.ts";

const rule: AlertRule = {
  name: "Slow",
  expr: "x > 1",
  forMs: 10_000,
  keepFiringMs: 0,
  labels: { severity: "warning", of: "{{ $labels.service }}" },
  annotations: { summary: "{{ $labels.service }}: {{ $value }}" },
};
const holds = (value = 2): Series[] => [{ labels: { __name__: "x", service: "cart" }, samples: [[0, value]] }];
const NONE: RuleState = new Map();
const only = (state: RuleState) => [...state.values()][0];
/** The state after evaluations at these seconds; true where the expression holds. */
const after = (steps: readonly (readonly [seconds: number, holds: boolean])[], over = rule) =>
  steps.reduce<RuleState>((state, [seconds, isHeld]) => evaluated(over, state, isHeld ? holds() : [], seconds * 1_000), NONE);

test("is pending until the expression has held for the whole `for:`, then fires from that moment", () => {
  expect(
    only(
      after([
        [0, true],
        [9.999, true],
      ]),
    ),
  ).toMatchObject({ state: "pending", activeAt: 0 });
  expect(
    only(
      after([
        [0, true],
        [10, true],
        [20, true],
      ]),
    ),
  ).toMatchObject({ state: "firing", activeAt: 0, firedAt: 10_000 });
});

test("begins anew when the expression did not hold once in between", () => {
  expect(
    only(
      after([
        [0, true],
        [5, false],
        [8, true],
        [12, true],
      ]),
    ),
  ).toMatchObject({ state: "pending", activeAt: 8_000 });
});

test("fires at once without a `for:`", () => {
  expect(only(after([[3, true]], { ...rule, forMs: 0 }))).toMatchObject({ state: "firing", firedAt: 3_000 });
});

test("is resolved when the expression ceases to hold, and stays so until it was told", () => {
  const resolved = after([
    [0, true],
    [10, true],
    [12, false],
    [14, false],
  ]);
  expect(only(resolved)).toMatchObject({ state: "resolved", firedAt: 10_000, resolvedAt: 12_000 });
  expect(withoutResolved(resolved, new Set([only(resolved)?.fingerprint as string])).size).toBe(0);
});

test("forgets what was only pending", () => {
  expect(
    after([
      [0, true],
      [5, false],
    ]).size,
  ).toBe(0);
});

test("fires on for `keep_firing_for`", () => {
  const sticky = { ...rule, keepFiringMs: 5_000 };
  expect(
    only(
      after(
        [
          [0, true],
          [10, true],
          [14, false],
        ],
        sticky,
      ),
    )?.state,
  ).toBe("firing");
  expect(
    only(
      after(
        [
          [0, true],
          [10, true],
          [15, false],
        ],
        sticky,
      ),
    )?.state,
  ).toBe("resolved");
});

test("still tells that it was resolved when it is pending anew before anybody could be told", () => {
  const again = after([
    [0, true],
    [10, true],
    [12, false],
    [14, true],
  ]);
  expect(only(again)?.state).toBe("pending");
  expect(toTell(again)).toMatchObject([{ state: "resolved", resolvedAt: 12_000 }]);
  const told = withoutResolved(again, new Set([only(again)?.fingerprint as string]));
  expect(toTell(told)).toEqual([]);
  expect(only(told)).toMatchObject({ state: "pending", activeAt: 14_000 });
});

test("fires anew with a new start even when nobody heard of the end in between", () => {
  expect(
    toTell(
      after([
        [0, true],
        [10, true],
        [12, false],
        [14, true],
        [24, true],
      ]),
    ),
  ).toMatchObject([{ state: "firing", firedAt: 24_000 }]);
});

test("goes back to resolved when what was pending anew ceases, with nobody told yet", () => {
  expect(
    toTell(
      after([
        [0, true],
        [10, true],
        [12, false],
        [14, true],
        [16, false],
      ]),
    ),
  ).toMatchObject([{ state: "resolved" }]);
});

test("has the labels of the series and of the rule, without the metric's name, and texts filled", () => {
  expect(only(evaluated(rule, NONE, holds(3), 0))).toMatchObject({
    labels: { alertname: "Slow", service: "cart", severity: "warning", of: "cart" },
    annotations: { summary: "cart: 3" },
  });
});

test("keeps its identity when its value changes", () => {
  const first = evaluated(rule, NONE, holds(2), 0);
  const second = evaluated(rule, first, holds(7), 1_000);
  expect([...second.keys()]).toEqual([...first.keys()]);
  expect(only(second)?.annotations["summary"]).toBe("cart: 7");
});
