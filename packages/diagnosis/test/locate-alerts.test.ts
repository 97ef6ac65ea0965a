import { expect, test } from "vitest";
import { diagnose } from "../src/diagnose.ts";
import type { RuleSeries } from "../src/input.ts";
import { locateAlerts } from "../src/locate-alerts.ts";
import { FROM, fleetInput, SERVICES, SPLIT, TO } from "./fleet.ts";

const failing = fleetInput({ effects: { catalog: { error_ratio: () => 0.4 } }, alerts: [{ name: "TooManyFailures" }] });
const part = (service: string, valueAt: (after: number) => number): RuleSeries => ({
  alert: "TooManyFailures",
  partOf: "0000000000000000",
  service,
  signal: "error_ratio",
  metrics: ["failed_total", "asked_total"],
  labels: { service },
  query: "sum by (service) (rate(failed_total[1m])) / sum by (service) (rate(asked_total[1m]))",
  threshold: { op: ">", value: 0.05 },
  samples: Array.from({ length: (TO - FROM) / 5 }, (_, i) => [FROM + i * 5, valueAt(FROM + i * 5 - SPLIT)] as const),
});
const begins = (level: number) => (after: number) => (after < 0 ? 0 : level);
const parts = SERVICES.map((service) => part(service, begins(service === "catalog" ? 0.4 : 0)));

test("an alert that names no service stands for the one whose part is beyond the line", () => {
  const { input, located } = locateAlerts({ ...failing, rules: parts });
  expect(input.members.map(({ service }) => service)).toEqual(["catalog"]);
  expect(located).toEqual(["alerts: TooManyFailures names no service; taken by service, its expression is beyond its line on catalog"]);
});

test("so its cause is found, with what was measured there as evidence, where nothing said so before", () => {
  const { diagnosis } = diagnose({ ...failing, rules: parts });
  expect(diagnosis.verdict).toBe("cause");
  expect(diagnosis.causes[0]?.service).toBe("catalog");
  const measured = diagnosis.evidence.find(({ text }) => text.startsWith("What TooManyFailures measures on catalog is 40 %"));
  expect(diagnosis.causes[0]?.evidence).toContain(measured?.id);
  expect(diagnosis.missing).toContainEqual(expect.stringContaining("beyond its line on catalog"));
});

test("an alert that names its service is left where it is", () => {
  const named = fleetInput({ alerts: [{ name: "TooManyFailures", service: "cart" }] });
  expect(locateAlerts({ ...named, rules: parts }).input.members[0]?.service).toBe("cart");
});

test("a part that was always beyond the line is no place, and without any the alert stays nameless", () => {
  const { input, located } = locateAlerts({ ...failing, rules: [part("payments", () => 0.4)] });
  expect(input.members[0]?.service).toBeUndefined();
  expect(located).toEqual([]);
});

test("several parts beyond the line are several places, the strongest first", () => {
  const { input } = locateAlerts({ ...failing, rules: [part("cart", begins(0.08)), part("catalog", begins(0.4))] });
  expect(input.members.map(({ service }) => service)).toEqual(["catalog", "cart"]);
});
