import type { Sample } from "@tocsin/contracts";
import { expect, test } from "vitest";
import { estimateOnset } from "../src/onset.ts";

const FROM = 1_000_000;
const ALERT = FROM + 1_000;
const series = (service: string, illSince: number, illUntil = ALERT) => ({
  service,
  signal: "latency_p95" as const,
  samples: Array.from({ length: 200 }, (_, i): Sample => {
    const at = FROM + i * 5;
    return [at, at >= illSince && at < illUntil ? 2 : 0.02 + 0.0005 * Math.sin(i)];
  }),
  query: "q",
});

test("finds since when an alerting service is slow, long before its rule fired", () => {
  expect(estimateOnset([series("checkout", FROM + 600)], new Set(["checkout"]), FROM, ALERT)).toBe(FROM + 600);
});

test("a blip that was over before the alert is no onset", () => {
  expect(estimateOnset([series("checkout", FROM + 600, FROM + 650)], new Set(["checkout"]), FROM, ALERT)).toBeUndefined();
});

test("services that do not alert say nothing about it", () => {
  expect(estimateOnset([series("catalog", FROM + 600)], new Set(["checkout"]), FROM, ALERT)).toBeUndefined();
});
