import fc from "fast-check";
import { expect, test } from "vitest";
import { compileMatcher, type Matchable } from "../src/index.ts";

const alert: Matchable = {
  name: "HighLatency",
  service: "payments",
  severity: "warning",
  source: "alertmanager",
  scope: "eu",
  labels: { team: "db", "k8s.io/zone": "a", __proto__x: "1" },
  annotations: { summary: 'it said "slow"' },
};
const matches = (text: string, on: Matchable = alert): boolean => {
  const compiled = compileMatcher(text);
  if (compiled.kind === "invalid") throw new Error(`${compiled.column}: ${compiled.message}`);
  return compiled.matches(on);
};

test.each([
  ['service == "payments"', true],
  ["service == 'cart'", false],
  ['name != "HighLatency"', false],
  ['severity in ["info", "warning"]', true],
  ['labels.team == "db" && scope == "us"', false],
  ['labels.team == "web" || scope == "eu"', true],
  ['labels["k8s.io/zone"] == "a"', true],
  ['annotations.summary == "it said \\"slow\\""', true],
  ['!(service.startsWith("pay") && name.endsWith("Latency"))', false],
  ['!name.contains("Error")', true],
  ["has(labels.team) && !has(labels.owner)", true],
  ['labels.owner == ""', true],
  ['labels.constructor == ""', true],
  ['service.glob("pay*s")', true],
  ['service.glob("pay?ent")', false],
  ["true", true],
  // && binds tighter than ||.
  ['scope == "eu" || scope == "us" && labels.team == "web"', true],
])("%s is %s", (text, expected) => {
  expect(matches(text)).toBe(expected);
});

test.each([
  ["", 1],
  ["service", 8],
  ["service == payments", 12],
  ['service == "a" service', 16],
  ['owner == "a"', 1],
  ['service.matches("a")', 9],
  ['service.constructor("a")', 9],
  ['service == "a" & scope == "b"', 16],
  ['labels[team] == "a"', 8],
  ['(service == "a"', 16],
  ["severity in []", 14],
  ['service == "a', 12],
])("%j is refused at column %i", (text, column) => {
  expect(compileMatcher(text)).toMatchObject({ kind: "invalid", column });
});

test("a matcher nested too deep, or too long, is refused instead of exhausting the stack", () => {
  expect(compileMatcher(`${"(".repeat(1_000)}true`)).toMatchObject({ kind: "invalid" });
  expect(compileMatcher(`${"!".repeat(1_000)}true`)).toMatchObject({ kind: "invalid" });
  expect(compileMatcher(`name == "${"x".repeat(3_000)}"`)).toMatchObject({ kind: "invalid" });
});

test("whatever is typed compiles or is refused, and never throws", () => {
  const pieces = fc.constantFrom(
    "service",
    "labels",
    ".",
    "[",
    "]",
    "(",
    ")",
    "!",
    "&&",
    "||",
    "==",
    "in",
    '"a"',
    "'",
    "\\",
    "has",
    "true",
    " ",
    "é",
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const compiled = compileMatcher(parts.join(""));
      if (compiled.kind === "compiled") expect(typeof compiled.matches(alert)).toBe("boolean");
      else expect(compiled.column).toBeGreaterThan(0);
    }),
  );
});

test("a glob of many stars takes no time on a text that does not fit", () => {
  const before = performance.now();
  expect(matches(`service.glob("${"*a".repeat(500)}b")`, { ...alert, service: "a".repeat(5_000) })).toBe(false);
  expect(performance.now() - before).toBeLessThan(5_000); // tried one by one it would take longer than the universe has
});
