import fc from "fast-check";
import { expect, test } from "vitest";
import type { Parameter } from "../src/format.ts";
import { patternProblem, valueProblem } from "../src/parameter.ts";
import { planRun, planWith } from "../src/plan.ts";
import { HOSTILE_TEXTS, HOSTILE_VALUES } from "./hostile.ts";
import { RESTART, runbookOf, sample } from "./sample.ts";

const NAME: Parameter = { type: "name", pattern: "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", maxLength: 63, origin: "operator" };
/** The laxest patterns that the linter lets through: even they keep the rest out. */
const LAX: Parameter = { type: "string", pattern: "^[a-zA-Z0-9 _/@:.,=+-]{1,200}$", maxLength: 63, origin: "operator" };

test("the corpus is as large as was asked for", () => {
  expect(HOSTILE_VALUES.length).toBeGreaterThanOrEqual(300);
});

test("no hostile value passes for a name, and none reaches a plan from any origin", () => {
  const byCause = runbookOf(sample(RESTART));
  const byLabel = runbookOf(sample(RESTART).replace("cause.service", "alert.label.service"));
  const byOperator = runbookOf(sample(RESTART).replace("cause.service", "operator"));
  for (const value of HOSTILE_VALUES) {
    expect(valueProblem("service", NAME, value), String(value)).toBeDefined();
    expect(planWith(byCause, { service: value as string }).kind).toBe("refused");
  }
  for (const service of HOSTILE_TEXTS) {
    const member = {
      name: "X",
      service,
      severity: "critical",
      labels: { service },
      annotations: {},
      role: "root",
      status: "firing",
    } as const;
    expect(planRun(byCause, { members: [], cause: { service, kind: "resource", text: "" } }).kind).toBe("refused");
    expect(planRun(byLabel, { members: [member] }).kind).toBe("refused");
    expect(planRun(byOperator, { members: [], operator: { service } }).kind).toBe("refused");
  }
});

test("also under the laxest pattern nothing empty, unseen, dashed or braced passes", () => {
  for (const value of HOSTILE_TEXTS) {
    if (valueProblem("x", LAX, value) !== undefined) continue;
    expect(value).toMatch(/^[a-zA-Z0-9 _/@:.,=+][a-zA-Z0-9 _/@:.,=+-]*$/);
  }
});

test("a value that passes is one element, byte for byte, whatever surrounds it", () => {
  const runbook = runbookOf(
    sample(
      RESTART,
      `id: run\nverb: container.run\nwith:\n  image: "sha256:${"a".repeat(64)}"\n  argv: [/probe, "{{service}}", "--of={{service}}"]\nundo: none-required\nverify:\n  checks:\n    - { promql: 'up{service="{{service}}"}', op: "==", value: 1 }`,
    ),
  );
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/), (service) => {
      const plan = planWith(runbook, { service });
      if (plan.kind === "refused") throw new Error(plan.reason);
      expect(plan.targets).toEqual([service]);
      expect(plan.steps[1]?.deed).toMatchObject({ with: { argv: ["/probe", service, `--of=${service}`] } });
      expect(plan.steps[1]?.verify?.checks[0]?.promql).toBe(`up{service="${service}"}`);
    }),
  );
});

test("no text at all, hostile or random, makes a plan with another target than itself", () => {
  const runbook = runbookOf(sample(RESTART));
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 80 }), (service) => {
      const plan = planWith(runbook, { service });
      expect(
        plan.kind === "refused" || (plan.targets.length === 1 && plan.targets[0] === service && /^[a-z0-9-]{1,63}$/.test(service)),
      ).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

test("a value that only ends right does not pass: an alternative is anchored as a whole", () => {
  const parameter: Parameter = { ...NAME, pattern: "^a|b$" };
  expect(valueProblem("x", parameter, "a")).toBeUndefined();
  expect(valueProblem("x", parameter, "a;reboot")).toBeDefined();
  expect(valueProblem("x", parameter, "evil b")).toBeDefined();
});

test("a whole number is bounded", () => {
  const parameter: Parameter = { type: "integer", pattern: "^[0-9]{1,3}$", maxLength: 3, origin: "operator", min: 1, max: 5 };
  expect(["1", "5"].map((value) => valueProblem("n", parameter, value))).toEqual([undefined, undefined]);
  for (const value of ["0", "6", "999", "1.5", "1e2", "0x1", " 1", "٣"]) expect(valueProblem("n", parameter, value), value).toBeDefined();
});

test.each([
  ["[a-z]+", "a pattern is anchored: it begins with ^ and ends with $"],
  ["^[a-z]+\\$", "a pattern is anchored: it begins with ^ and ends with $"],
  ["^[a-z$", "the pattern ^[a-z$ is not a regular expression"],
  ["^[a-z]*$", "the pattern matches the empty value, and an empty selector must never mean everything"],
  ["^[-a-z]+$", "the pattern matches a value of a dash alone, which a program could read as a flag"],
  ["^[*a-z]+$", "the pattern matches *, and a selector names one thing"],
  ["^[a-z].+$", "the pattern says what is not allowed (`.`, `[^`, `\\S`); it has to say what is allowed"],
  ["^[a-z][^;]{2}$", "the pattern says what is not allowed (`.`, `[^`, `\\S`); it has to say what is allowed"],
  ["^[a-z]\\S{2}$", "the pattern says what is not allowed (`.`, `[^`, `\\S`); it has to say what is allowed"],
])("refuses the pattern %s", (pattern, reason) => {
  expect(patternProblem(pattern)).toBe(reason);
});
