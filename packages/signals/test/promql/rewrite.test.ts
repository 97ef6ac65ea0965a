import { describe, expect, test } from "vitest";
import { parsePromql } from "../../src/promql/parse.ts";
import { exprOfGeneratorUrl, selectorsOf, stripComparison, thresholdOf } from "../../src/promql/rewrite.ts";

describe("the expression of an alert without its comparison", () => {
  test.each([
    ["x > 0.5", "x", { op: ">", value: 0.5 }],
    ["(rate(x[5m]) >= 1e3)", "rate(x[5m])", { op: ">=", value: 1_000 }],
    ["0.5 < x", "x", { op: ">", value: 0.5 }],
    ["x == -1", "x", { op: "==", value: -1 }],
    ["x > 100 * 1024", "x", { op: ">", value: 102_400 }],
    ["a / b > 0.1 and c > 10", "a / b", { op: ">", value: 0.1 }],
    ["a > 1 unless b > 2", "a", { op: ">", value: 1 }],
    ["a > 1 or b > 2", "(a) or (b)", undefined],
    ["a > on (x) b", "a", undefined],
    ["absent(up)", "absent(up)", undefined],
    ["sum by (a) (x) != bool 1", "sum by (a) (x)", { op: "!=", value: 1 }],
    ["vector(1)", "vector(1)", undefined],
    ["time() - x > 300 # seconds", "time() - x", { op: ">", value: 300 }],
  ])("%s", (expr, stripped, threshold) => {
    expect(stripComparison(expr)).toBe(stripped);
    expect(thresholdOf(expr)).toEqual(threshold);
    expect(() => parsePromql(stripComparison(expr))).not.toThrow();
  });
});

test("names every selector of a query with its matchers", () => {
  expect(selectorsOf('sum(rate(a{x="1"}[5m])) / on (y) b{__name__!="z"} > scalar({__name__="c"})')).toEqual([
    { metric: "a", matchers: [{ name: "x", op: "=", value: "1" }] },
    { metric: "b", matchers: [{ name: "__name__", op: "!=", value: "z" }] },
    { metric: "c", matchers: [] },
  ]);
});

test("finds the expression in the generator URL of Prometheus 2 and 3, and none elsewhere", () => {
  expect(exprOfGeneratorUrl("http://prom:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1")).toBe("up == 0");
  expect(exprOfGeneratorUrl("https://p/query?g0.expr=rate%28x%5B5m%5D%29")).toBe("rate(x[5m])");
  expect(exprOfGeneratorUrl("http://grafana/alerting/grafana/abc/view?orgId=1")).toBeUndefined();
  expect(exprOfGeneratorUrl("http://[")).toBeUndefined();
  expect(exprOfGeneratorUrl("")).toBeUndefined();
});
