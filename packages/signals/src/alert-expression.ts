// What an alert's expression asks, so that it can be asked again over a whole window.
import type { SignalName } from "@tocsin/contracts";
import { SignalName as SignalNames } from "@tocsin/contracts";
import { CATALOGUE } from "./catalogue.ts";
import { type SelectorText, selectorsOf, stripComparison, type Threshold, thresholdOf } from "./promql/rewrite.ts";

export interface AlertExpression {
  /** The expression without its final comparison: its value can be read while the alert does not fire. */
  readonly query: string;
  /** What it is compared with; absent where that is no number. */
  readonly threshold?: Threshold;
  /** Names of the metrics it reads. */
  readonly metrics: readonly string[];
  /** Which signal it measures, where its metrics are known. */
  readonly signal?: SignalName;
}

/** @throws AppError `PROMQL_SYNTAX`, `PROMQL_UNSUPPORTED` */
export function readAlertExpression(expr: string): AlertExpression {
  const selectors = selectorsOf(expr);
  const threshold = thresholdOf(expr);
  const signal = signalOf(selectors);
  return {
    query: stripComparison(expr),
    ...(threshold === undefined ? {} : { threshold }),
    metrics: [...new Set(selectors.flatMap(({ metric }) => (metric === undefined ? [] : [metric])))],
    ...(signal === undefined ? {} : { signal }),
  };
}

/** Metrics that rules use and the catalogue, which charts signals, does not. */
const OTHER_METRICS: Readonly<Record<string, SignalName>> = {
  probe_success: "up",
  kube_pod_status_ready: "up",
  kube_deployment_status_replicas_available: "up",
  kube_pod_container_status_waiting_reason: "restarts",
  kube_pod_container_status_last_terminated_reason: "oom_kills",
  process_heap_bytes: "heap",
  jvm_memory_used_bytes: "heap",
  container_cpu_cfs_throttled_periods_total: "cpu",
};

/** Those that need more are looked for first: a fill level also reads the memory it is made of, a share of failures all requests. */
const FIRST: readonly SignalName[] = ["up", "restarts", "oom_kills", "error_ratio", "latency_p95", "saturation"];
const LAST: SignalName = "request_rate";
const ORDER: readonly SignalName[] = [...new Set([...FIRST, ...SignalNames.options.filter((name) => name !== LAST), LAST])];

/** The first signal one of whose candidates reads nothing but what the expression reads, by the same labels. */
function signalOf(selectors: readonly SelectorText[]): SignalName | undefined {
  const matched = (metric: string, labels: readonly string[]) =>
    selectors.some(
      (selector) => selector.metric === metric && labels.every((label) => selector.matchers.some(({ name }) => name === label)),
    );
  for (const signal of ORDER) {
    for (const { needs } of CATALOGUE[signal]) if (needs.every(({ metric, labels = [] }) => matched(metric, labels))) return signal;
    // A mean latency reads a histogram's sum.
    if (
      signal === "latency_p95" &&
      CATALOGUE[signal].some(({ needs }) => needs.every(({ metric }) => matched(metric.replace(/_bucket$/, "_sum"), [])))
    )
      return signal;
  }
  for (const { metric } of selectors) if (metric !== undefined && OTHER_METRICS[metric] !== undefined) return OTHER_METRICS[metric];
  return undefined;
}
