import { expect, test } from "vitest";
import { fingerprintOf } from "../../src/ruler/fingerprint.ts";

test("is the FNV-1a offset for no labels, as in prometheus/common", () => {
  expect(fingerprintOf({})).toBe("cbf29ce484222325");
});

test("is what a real Alertmanager computes", () => {
  expect(fingerprintOf({ alertname: "Watchdog", severity: "none" })).toBe("448881ef475b9b26");
});

test("does not depend on the order in which labels were written", () => {
  expect(fingerprintOf({ a: "1", b: "2" })).toBe(fingerprintOf({ b: "2", a: "1" }));
});

test("tells names from values", () => {
  expect(fingerprintOf({ a: "bc" })).not.toBe(fingerprintOf({ ab: "c" }));
});
