import { describe, expect, test } from "vitest";
import { diagnose } from "../src/diagnose.ts";
import type { RuleSeries } from "../src/input.ts";
import { findRuleCrossings, unitOfRule } from "../src/rule-evidence.ts";
import { FROM, fleetInput, SPLIT, TO, times } from "./fleet.ts";

const WINDOW = { from: FROM, splitAt: SPLIT, to: TO };
const rule = (valueAt: (after: number) => number, change: Partial<RuleSeries> = {}): RuleSeries => ({
  alert: "HighMemory",
  fingerprint: "0000000000000000",
  service: "payments",
  signal: "memory",
  metrics: ["process_resident_memory_bytes"],
  labels: { service: "payments" },
  query: "max by (service) (process_resident_memory_bytes)",
  threshold: { op: ">", value: 150e6 },
  samples: Array.from({ length: (TO - FROM) / 5 }, (_, i) => [FROM + i * 5, valueAt(FROM + i * 5 - SPLIT)] as const),
  ...change,
});
const leaking = rule((after) => 90e6 + Math.max(0, after) * 2e6);

describe("an alert's own expression", () => {
  test("crosses where it is beyond its threshold, and says since when and by how much", () => {
    const [found] = findRuleCrossings([leaking], WINDOW);
    expect(found).toMatchObject({ before: 90e6, chronic: 0, onsetAt: SPLIT + 35 });
    expect(found?.factor).toBeCloseTo(1.4, 1);
  });
  test("exactly at the threshold it does not cross", () => {
    expect(findRuleCrossings([rule(() => 150e6)], WINDOW)).toEqual([]);
  });
  test("below a lower line counts as beyond", () => {
    const [found] = findRuleCrossings([rule((after) => (after < 0 ? 10 : 2), { threshold: { op: "<", value: 4 } })], WINDOW);
    expect(found?.factor).toBe(2);
  });
  test("what was always beyond its line says next to nothing", () => {
    const [found] = findRuleCrossings([rule(() => 200e6)], WINDOW);
    expect(found?.chronic).toBe(1);
    expect(found?.strength).toBeLessThan(0.5);
  });
  test("gaps and infinities are no values", () => {
    expect(findRuleCrossings([rule(() => Number.NaN), rule(() => Number.POSITIVE_INFINITY)], WINDOW)).toEqual([]);
  });
  test("without a threshold it is beyond while it has a value", () => {
    const { threshold, ...bare } = rule((after) => (after < 20 ? Number.NaN : 7));
    expect(threshold).toBeDefined();
    expect(findRuleCrossings([bare], WINDOW)[0]).toMatchObject({ level: 7, onsetAt: SPLIT + 20, before: undefined });
  });
  test("shares written as 0.05 and as 5 have different units", () => {
    const ratio = (value: number) => unitOfRule(rule(() => 0, { signal: "error_ratio", threshold: { op: ">", value } }));
    expect([ratio(0.05), ratio(5)]).toEqual(["ratio", "%"]);
  });
});

describe("in the ranking", () => {
  /** A leak that has only begun to show, while the machine is busy and another service has really become slow. */
  const busy = fleetInput({
    effects: {
      payments: { memory: (normal, after) => normal + after * 900_000, latency_p95: times(14) },
      catalog: { latency_p95: times(25) },
      storefront: { latency_p95: times(20) },
      checkout: { latency_p95: times(9) },
    },
    alerts: [
      { name: "HighMemory", service: "payments" },
      { name: "HighLatency", service: "storefront" },
    ],
  });

  test("what a rule measured on the very service decides over what is louder elsewhere", () => {
    const { diagnosis } = diagnose({ ...busy, rules: [leaking] });
    expect(diagnosis.causes[0]).toMatchObject({ service: "payments", kind: "resource" });
  });

  test("it is kept as evidence with its threshold, its past and its chart", () => {
    const { diagnosis } = diagnose({ ...busy, rules: [leaking] });
    const told = diagnosis.evidence.find((each) => each.id === "ev_alert|0000000000000000");
    expect(told?.text).toContain("its line is > 150 MB (1.4 times it), before 90 MB");
    expect(told?.chart).toMatchObject({ threshold: 150e6, baseline: 90e6, unit: "B" });
    expect(diagnosis.causes[0]?.evidence).toContain(told?.id);
  });

  test("an expression over unknown metrics is a symptom that a callee can explain", () => {
    const unknown = rule((after) => (after < 0 ? 1 : 9), { alert: "OrdersWait", service: "storefront", threshold: { op: ">", value: 5 } });
    const { signal, ...nameless } = unknown;
    expect(signal).toBe("memory");
    const input = fleetInput({
      effects: { payments: { error_ratio: () => 0.5 } },
      alerts: [{ name: "OrdersWait", service: "storefront" }],
    });
    const { diagnosis, details } = diagnose({ ...input, rules: [nameless] });
    expect(details.findings.find((each) => each.source.kind === "rule")).toMatchObject({ family: "rule", service: "storefront" });
    expect(diagnosis.causes[0]?.service).toBe("payments");
  });

  test("a rule whose labels name no service is evidence and accuses nobody", () => {
    const { service, ...anonymous } = leaking;
    expect(service).toBe("payments");
    const { diagnosis, details } = diagnose({ ...fleetInput({ alerts: [{ name: "HighMemory" }] }), rules: [anonymous] });
    expect(details.findings.filter((each) => each.source.kind === "rule")).toEqual([]);
    expect(diagnosis.verdict).toBe("inconclusive");
    expect(diagnosis.evidence.map((each) => each.kind)).toEqual(["alert"]);
  });
});
