import { Diagnosis } from "@tocsin/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { diagnose } from "../src/diagnose.ts";
import { add, change, FAULTS, fleetInput, lines, SPLIT, times } from "./fleet.ts";

describe("the lab's faults", () => {
  test.each(Object.entries(FAULTS))("%s: the service that was hurt ranks first, with the right kind", (_, { truth, kinds, scenario }) => {
    for (const seed of [1, 2, 3]) {
      const { diagnosis } = diagnose(fleetInput({ ...scenario, seed }));
      expect(diagnosis.causes[0]?.service).toBe(truth);
      expect(kinds).toContain(diagnosis.causes[0]?.kind);
      expect(diagnosis.verdict).toBe("cause");
    }
  });

  test.each(Object.entries(FAULTS))("%s: an unrelated service that is noisy at the same time does not win", (_, { truth, scenario }) => {
    const herring =
      ["cart", "inventory", "catalog"].find((each) => each !== truth && scenario.effects?.[each] === undefined) ?? "unrelated";
    const input = fleetInput({ ...scenario, effects: { ...scenario.effects, [herring]: { cpu: times(2) } } });
    const { diagnosis } = diagnose(input);
    expect(diagnosis.causes[0]?.service).toBe(truth);
  });

  test.each(Object.entries(FAULTS))("%s: the alert on the loudest caller alone leads to the same service", (_, { truth, scenario }) => {
    if (scenario.effects?.["storefront"] === undefined) return;
    const { diagnosis } = diagnose(fleetInput({ ...scenario, alerts: [{ name: "HighErrorRatio", service: "storefront" }] }));
    expect(diagnosis.causes[0]?.service).toBe(truth);
  });
});

describe("evidence", () => {
  const { scenario } = FAULTS["error-burst"] as (typeof FAULTS)[string];

  test("every id a cause names is there, and the diagnosis fits its contract", () => {
    const { diagnosis } = diagnose(fleetInput(scenario));
    const ids = new Set(diagnosis.evidence.map((each) => each.id));
    for (const cause of diagnosis.causes) for (const id of cause.evidence) expect(ids).toContain(id);
    expect(Diagnosis.parse(diagnosis)).toEqual(diagnosis);
  });

  test("a second run says word for word the same", () => {
    expect(diagnose(fleetInput(scenario)).diagnosis).toEqual(diagnose(fleetInput(scenario)).diagnosis);
  });

  test("metric evidence carries its query, its numbers and a chart of at most 120 samples", () => {
    const metric = diagnose(fleetInput(scenario)).diagnosis.evidence.find((each) => each.kind === "metric" && each.service === "payments");
    expect(metric?.query).toBe('error_ratio{service="payments"}');
    expect(metric?.text).toContain("40 %");
    expect(metric?.chart?.samples.length).toBeLessThanOrEqual(120);
  });

  test("a log line that names another service speaks against that one", () => {
    const { details } = diagnose(fleetInput({ alerts: [], logs: lines("checkout", "error", "call to payments timed out after # ms", 25) }));
    expect(details.findings.find((f) => f.source.kind === "log")).toMatchObject({ service: "payments", family: "blame", peer: "checkout" });
  });
});

describe("inconclusive", () => {
  test("nothing left its baseline: no cause, and what would settle it", () => {
    const { diagnosis } = diagnose(fleetInput({ alerts: [{ name: "HighLatency", service: "storefront" }] }));
    expect(diagnosis.verdict).toBe("inconclusive");
    expect(diagnosis.unsettled).toContain("No signal");
  });

  test("two services equally ill and neither calls the other", () => {
    const effects = { payments: { error_ratio: add(0.3) }, inventory: { error_ratio: add(0.3) }, checkout: { error_ratio: add(0.3) } };
    const { diagnosis } = diagnose(fleetInput({ effects, alerts: [{ name: "HighErrorRatio", service: "checkout" }] }));
    expect(diagnosis.verdict).toBe("inconclusive");
    expect(diagnosis.unsettled).toContain("inventory and payments");
  });

  test("an alert that names no known service is said to be missing", () => {
    const { diagnosis } = diagnose(fleetInput({ alerts: [{ name: "Odd", service: "mainframe" }] }));
    expect(diagnosis.verdict).toBe("inconclusive");
    expect(diagnosis.missing).toEqual(["nothing is known of mainframe, which the alerts name"]);
  });

  test("a missing source lowers the confidence", () => {
    const { scenario } = FAULTS["latency"] as (typeof FAULTS)[string];
    const whole = diagnose(fleetInput(scenario)).diagnosis.causes[0]?.confidence ?? 0;
    const partial = diagnose(fleetInput({ ...scenario, missing: ["loki: no answer"] })).diagnosis.causes[0]?.confidence ?? 0;
    expect(partial).toBeLessThan(whole);
  });

  test("empty input gives no cause", () => {
    const input = fleetInput({ alerts: [] });
    const { diagnosis } = diagnose({ ...input, series: [], topology: { services: [] } });
    expect(diagnosis).toMatchObject({ verdict: "inconclusive", causes: [], evidence: [] });
  });
});

test("a change long before the incident counts less than one right before it", () => {
  const { scenario } = FAULTS["error-burst"] as (typeof FAULTS)[string];
  const at = (secondsBefore: number) => {
    const changes = (scenario.changes ?? []).map((each) => ({ ...each, at: new Date((SPLIT - secondsBefore) * 1_000).toISOString() }));
    return diagnose(fleetInput({ ...scenario, changes })).diagnosis.causes[0]?.score ?? 0;
  };
  expect(at(7_200)).toBeLessThan(at(10));
});

test("wild samples never crash it and never make a score that is not a number", () => {
  const wild = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1e300));
  fc.assert(
    fc.property(fc.array(wild, { maxLength: 80 }), fc.array(fc.string({ maxLength: 60 }), { maxLength: 20 }), (values, messages) => {
      const input = fleetInput({ alerts: [{ name: "A", service: "payments" }] });
      const series = input.series.map((each) => ({ ...each, samples: values.map((value, i) => [SPLIT - 200 + i * 5, value] as const) }));
      const logs = messages.map((message, i) => ({ at: SPLIT - 10 + i, service: "payments", level: "error" as const, message }));
      const { diagnosis } = diagnose({ ...input, series, logs });
      for (const cause of diagnosis.causes) {
        expect(Number.isFinite(cause.score)).toBe(true);
        expect(cause.confidence).toBeGreaterThanOrEqual(0);
        expect(cause.confidence).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 60 },
  );
});

describe("changes", () => {
  const slow = { effects: { storefront: { latency_p95: times(8) } }, alerts: [{ name: "HighLatency", service: "storefront" }] };
  const scoreOf = (service: string, changes: ReturnType<typeof change>[]) =>
    diagnose(fleetInput({ ...slow, changes })).diagnosis.causes.find((cause) => cause.service === service)?.score ?? 0;

  test("one in the path at which nothing stands out is a suspect, the nearer and the later the more, and never the cause", () => {
    expect(scoreOf("catalog", [change("catalog", "deployment", 60, "release")])).toBeGreaterThan(
      scoreOf("inventory", [change("inventory", "deployment", 60, "release")]),
    );
    expect(scoreOf("catalog", [change("catalog", "deployment", 60, "release")])).toBeGreaterThan(
      scoreOf("catalog", [change("catalog", "restart", 3_600, "restarted")]),
    );
    const { diagnosis } = diagnose(fleetInput({ alerts: slow.alerts, changes: [change("catalog", "deployment", 60, "release")] }));
    expect(diagnosis.verdict).toBe("inconclusive");
    expect(diagnosis.causes[0]).toMatchObject({ service: "catalog", kind: "change" });
  });

  test("it takes nothing from the confidence in one that is ill", () => {
    const sure = (changes: ReturnType<typeof change>[]) => diagnose(fleetInput({ ...slow, changes })).diagnosis.causes[0];
    expect(sure([change("catalog", "deployment", 60, "release")])).toEqual(sure([]));
  });

  test("one off the path of the alerts is next to nothing", () => {
    const alerts = [{ name: "HighLatency", service: "inventory" }];
    const { diagnosis } = diagnose(fleetInput({ alerts, changes: [change("payments", "deployment", 60, "release")] }));
    expect(diagnosis.causes[0]?.score ?? 0).toBeLessThan(0.1);
  });

  test("one of a service that nothing else knows is said, and casts no doubt", () => {
    const { diagnosis } = diagnose(fleetInput({ ...slow, changes: [change("pay-api", "deployment", 60, "release")] }));
    expect(diagnosis.missing).toEqual([expect.stringContaining("pay-api was changed at")]);
    expect(diagnosis.causes[0]).toEqual(diagnose(fleetInput(slow)).diagnosis.causes[0]);
  });
});
