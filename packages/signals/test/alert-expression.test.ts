import { AppError } from "@tocsin/runtime";
import { expect, test } from "vitest";
import { readAlertExpression } from "../src/alert-expression.ts";

test("reads a resource with its threshold", () => {
  expect(readAlertExpression('max by (service) (process_resident_memory_bytes{job="lab"}) > 150e6')).toEqual({
    query: 'max by (service) (process_resident_memory_bytes{job="lab"})',
    threshold: { op: ">", value: 150e6 },
    metrics: ["process_resident_memory_bytes"],
    signal: "memory",
  });
});

test.each([
  ['sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 0.05', "error_ratio"],
  ["sum(rate(http_requests_total[5m])) < 1", "request_rate"],
  ["histogram_quantile(0.99, sum by (le) (rate(http_server_request_duration_seconds_bucket[5m]))) > 0.3", "latency_p95"],
  ["rate(http_request_duration_seconds_sum[5m]) / rate(http_request_duration_seconds_count[5m]) > 1", "latency_p95"],
  ["max_over_time(up[1m]) == 0", "up"],
  ["absent(up{job='x'})", "up"],
  ["container_memory_working_set_bytes / container_spec_memory_limit_bytes > 0.9", "saturation"],
  ["container_memory_working_set_bytes > 1e9", "memory"],
  ["changes(process_start_time_seconds[10m]) > 3", "restarts"],
  ["increase(container_oom_events_total[5m]) > 0", "oom_kills"],
  ['jvm_memory_used_bytes{area="heap"} > 2e9', "heap"],
  ["node_filesystem_avail_bytes{fstype!=''} / node_filesystem_size_bytes < 0.1", "saturation"],
])("%s measures %s", (expr, signal) => {
  expect(readAlertExpression(expr).signal).toBe(signal);
});

test("of metrics nobody knows it says which they are, and no signal", () => {
  const read = readAlertExpression("sum by (queue) (orders_waiting) > on (queue) orders_limit");
  expect(read).toEqual({ query: "sum by (queue) (orders_waiting)", metrics: ["orders_waiting", "orders_limit"] });
});

test("what is no expression is refused by where and why", () => {
  expect(() => readAlertExpression("sum(rate(")).toThrow(AppError);
});
