import { describe, expect, test } from "vitest";
import { breakDown } from "../../src/promql/break-down.ts";
import { parsePromql } from "../../src/promql/parse.ts";

const BY = ["service", "job"];

describe("an expression that adds all services up, by service", () => {
  test.each([
    ["sum(rate(x[5m]))", "sum by (service, job) (rate(x[5m]))"],
    ["sum by (cluster) (x)", "sum by (cluster, service, job) (x)"],
    ["sum(x) by (cluster)", "sum by (cluster, service, job) (x)"],
    ["sum without (service, pod) (x)", "sum without (pod) (x)"],
    [
      'sum(rate(x{status=~"5.."}[5m])) / sum(rate(x[5m])) * 100',
      'sum by (service, job) (rate(x{status=~"5.."}[5m])) / sum by (service, job) (rate(x[5m])) * 100',
    ],
    [
      "histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))",
      "histogram_quantile(0.95, sum by (le, service, job) (rate(x_bucket[5m])))",
    ],
    ["max(avg by (pod) (x))", "max by (service, job) (avg by (pod, service, job) (x))"],
    ["quantile(0.9, x)", "quantile by (service, job) (0.9, x)"],
    ["1 - (sum(x) / sum(y))", "1 - (sum by (service, job) (x) / sum by (service, job) (y))"],
    ["max_over_time(sum(x)[5m:1m])", "max_over_time(sum by (service, job) (x)[5m:1m])"],
  ])("%s", (query, expected) => {
    const broken = breakDown(query, BY, { op: ">", value: 1 });
    expect(broken).toBe(expected);
    expect(() => parsePromql(expected)).not.toThrow();
    expect(breakDown(expected, BY)).toBeUndefined();
  });

  test.each([
    ["nothing is aggregated", "rate(x[5m])"],
    ["the labels are there already", "sum by (service, job, pod) (x)"],
    ["one side would match many", "sum by (a) (x) / on (a) group_left sum by (a, b) (y)"],
    ["the answer has no labels of its own", "absent(sum(x))"],
    ["topk keeps all labels", "topk(3, sum(x))"],
  ])("is left alone where %s: %s", (_, query) => {
    expect(breakDown(query, BY)).toBeUndefined();
  });

  test.each([
    ["sum(rate(x[5m]))", "<", undefined],
    ["count(up) * 2", "<=", undefined],
    ["sum(x) / 1024", "<", undefined],
    ["sum(x)", "==", undefined],
    ["sum(x) / sum(y)", "<", "sum by (service, job) (x) / sum by (service, job) (y)"],
    ["min(x)", "<", "min by (service, job) (x)"],
    ["avg(x)", "<", "avg by (service, job) (x)"],
  ])("a part of a total is below any upper line: %s %s 5", (query, op, expected) => {
    expect(breakDown(query, BY, { op, value: 5 })).toBe(expected);
  });
});
