import { expect, test } from "vitest";
import type { Check } from "../src/format.ts";
import { judgeCheck, type Watch, watch, worseThan } from "../src/verification.ts";

const check = (change: Partial<Check>): Check => ({ signal: "error_ratio", of: "payments", op: "<=", missing: "fail", ...change });

test("compares with the value before the incident when it is known, else with the value given", () => {
  const both = check({ value: 0.05, baseline: { times: 1.5, plus: 0.02 } });
  expect(judgeCheck(both, { values: [0.11], baseline: 0.1 }).holds).toBe(true);
  expect(judgeCheck(both, { values: [0.11] }).holds).toBe(false);
  expect(judgeCheck(both, { values: [0.04] }).holds).toBe(true);
  expect(judgeCheck(check({ baseline: { times: 1, plus: 0 } }), { values: [0] })).toMatchObject({ holds: false });
});

test("no data passes only where the check says so, and a gap is no data", () => {
  expect(judgeCheck(check({ value: 1 }), { values: [] }).holds).toBe(false);
  expect(judgeCheck(check({ value: 1 }), { values: [Number.NaN] }).holds).toBe(false);
  expect(judgeCheck(check({ value: 1, missing: "pass" }), { values: [] }).holds).toBe(true);
});

test("every series has to pass", () => {
  const promql: Check = { promql: "up", op: "==", value: 1, missing: "fail" };
  expect(judgeCheck(promql, { values: [1, 1] }).holds).toBe(true);
  expect(judgeCheck(promql, { values: [1, 0] }).holds).toBe(false);
});

test.each([
  [{ up: 1 }, { up: 0 }, true],
  [{ up: 0 }, { up: 0 }, false],
  [{ errorRatio: 0.2 }, { errorRatio: 0.34 }, false],
  [{ errorRatio: 0.2 }, { errorRatio: 0.36 }, true],
  [{}, { errorRatio: 1 }, false],
  [{ latencyP95: 0.1 }, { latencyP95: 0.55 }, false],
  [{ latencyP95: 0.1 }, { latencyP95: 0.61 }, true],
  [{ latencyP95: 2 }, { latencyP95: 3.9 }, false],
])("from %j to %j is worse: %s", (before, now, isWorse) => {
  expect(worseThan(before, now) !== undefined).toBe(isWorse);
});

const LIMITS = { soakMs: 10_000, withinMs: 60_000 };
/** Plays looks, one a second: `g` good, `w` worse, `.` neither. @returns the verdict and after how many looks */
function play(looks: string): string {
  let state: Watch = { startedAt: 0 };
  for (const [second, look] of [...looks].entries()) {
    const next = watch(state, second * 1_000, { allHold: look === "g", worse: look === "w" }, LIMITS);
    state = next.state;
    if (next.verdict !== "watching") return `${next.verdict} at ${second}`;
  }
  return "watching";
}

test("good has to last for the whole soak without a break", () => {
  expect(play("g".repeat(20))).toBe("good at 10");
  expect(play(`${"g".repeat(9)}.${"g".repeat(20)}`)).toBe("good at 20");
});

test("what looks worse right after the act is not held against it; what stays worse is", () => {
  expect(play(`${"w".repeat(19)}${"g".repeat(20)}`)).toBe("good at 29");
  expect(play("w".repeat(60))).toBe("worse at 30");
});

test("without an end in sight it did not help, but a soak that began in time may end", () => {
  expect(play(".".repeat(80))).toBe("not-better at 60");
  expect(play(`${".".repeat(55)}${"g".repeat(20)}`)).toBe("good at 65");
  expect(play(`${".".repeat(55)}${"g".repeat(6)}.`)).toBe("not-better at 61");
});
