import { expect, test } from "vitest";
import { countLines, parseLogql } from "../src/logql.ts";

const LINES = ["payment failed: timeout", "payment done", 'said "no" to timeout', "debug: payment failed"];
const count = (query: string) => {
  const parsed = parseLogql(query);
  return parsed.kind === "count" ? countLines(parsed, LINES) : parsed.reason;
};

test("counts the lines that pass every filter", () => {
  expect(count('count_over_time({service="payments"}[1m])')).toBe(4);
  expect(count('count_over_time({service="payments"} |= "failed" != "debug" [1m])')).toBe(1);
  expect(count('count_over_time({service="payments"} |~ "^payment (failed|done)" [30s])')).toBe(2);
  expect(count('count_over_time({service="payments"} |= "\\"no\\"" [5m])')).toBe(1);
});

test("says the service and the window", () => {
  expect(parseLogql('count_over_time({service="payments"} |= "x" [90s])')).toMatchObject({ service: "payments", windowMs: 90_000 });
});

test.each([
  'rate({service="a"}[1m])',
  '{service="a"} |= "x"',
  'count_over_time({job="a"}[1m])',
  'count_over_time({service="a"} |~ "(" [1m])',
  'count_over_time({service="a"}[1])',
])("refuses %s", (query) => {
  expect(parseLogql(query).kind).toBe("refused");
});
