import type { EdgeStats, Series, Span, Topology } from "@tocsin/contracts";
import type { MetricsBackend } from "./metrics-backend.ts";
import type { Answer, QueryOptions, Window } from "./ports.ts";
import { quantileOf } from "./promql/range-functions.ts";

/** Calls between services as spans show them: a span whose parent belongs to another service. */
export function edgesOfSpans(spans: readonly Span[]): EdgeStats[] {
  const byId = new Map(spans.map((span) => [`${span.traceId}/${span.spanId}`, span]));
  const calls = new Map<string, { from: string; to: string; errors: number; durations: number[] }>();
  for (const span of spans) {
    const parent = span.parentSpanId === undefined ? undefined : byId.get(`${span.traceId}/${span.parentSpanId}`);
    if (!parent || parent.service === span.service) continue;
    const key = keyOf({ from: parent.service, to: span.service });
    const edge = calls.get(key) ?? { from: parent.service, to: span.service, errors: 0, durations: [] };
    edge.durations.push(span.durationMs);
    if (span.error) edge.errors++;
    calls.set(key, edge);
  }
  return [...calls.values()].map(({ from, to, errors, durations }) => ({
    from,
    to,
    calls: durations.length,
    errors,
    p95Ms: quantileOf(0.95, durations),
  }));
}

/** Metrics that count calls between services, seen from the caller: a callee that does not answer is counted too. */
interface EdgeMetrics {
  readonly needs: string;
  readonly from: string;
  readonly to: string;
  readonly calls: string;
  readonly errors: string;
  readonly buckets: string;
  readonly unitMs: number;
}

const EDGE_METRICS: readonly EdgeMetrics[] = [
  {
    needs: "http_client_request_duration_seconds_count",
    from: "service",
    to: "peer_service",
    calls: 'http_client_request_duration_seconds_count{peer_service!=""}',
    errors: 'http_client_request_duration_seconds_count{peer_service!="",status_code!~"[1-4].."}',
    buckets: 'http_client_request_duration_seconds_bucket{peer_service!=""}',
    unitMs: 1_000,
  },
  {
    needs: "traces_service_graph_request_total",
    from: "client",
    to: "server",
    calls: "traces_service_graph_request_total",
    errors: "traces_service_graph_request_failed_total",
    buckets: "traces_service_graph_request_client_seconds_bucket",
    unitMs: 1_000,
  },
  {
    needs: "istio_requests_total",
    from: "source_workload",
    to: "destination_workload",
    calls: 'istio_requests_total{reporter="source"}',
    errors: 'istio_requests_total{reporter="source",response_code!~"[1-4].."}',
    buckets: 'istio_request_duration_milliseconds_bucket{reporter="source"}',
    unitMs: 1,
  },
];

/** Calls in the window by the callers' own metrics; empty when the server has none of them. */
export async function edgesOfMetrics(
  backend: MetricsBackend,
  window: Window,
  options: QueryOptions,
): Promise<Answer<readonly EdgeStats[]>> {
  const names = await backend.existing(
    EDGE_METRICS.map(({ needs }) => needs),
    options,
  );
  const metrics = EDGE_METRICS.find(({ needs }) => names.has(needs));
  if (!metrics) return { value: [], partial: [] };
  const { from, to } = metrics;
  const seconds = Math.max(1, Math.ceil(window.to - window.from));
  const by = `sum by (${from}, ${to}`;
  const [calls, errors, p95] = await Promise.all([
    backend.query(`${by}) (increase(${metrics.calls}[${seconds}s]))`, window.to, options),
    backend.query(`${by}) (increase(${metrics.errors}[${seconds}s]))`, window.to, options),
    backend.query(`histogram_quantile(0.95, ${by}, le) (increase(${metrics.buckets}[${seconds}s])))`, window.to, options),
  ]);
  const edgeOf = (series: Series) => ({ from: series.labels[from] ?? "", to: series.labels[to] ?? "" });
  const lastValues = (answer: Answer<readonly Series[]>) =>
    new Map(answer.value.map((series) => [keyOf(edgeOf(series)), series.samples.at(-1)?.[1] ?? Number.NaN]));
  const [errorsOf, p95Of] = [lastValues(errors), lastValues(p95)];
  const value: EdgeStats[] = [];
  for (const series of calls.value) {
    const edge = edgeOf(series);
    const count = series.samples.at(-1)?.[1] ?? 0;
    if (edge.from === "" || edge.to === "" || edge.from === edge.to || !(count > 0)) continue;
    const seconds95 = p95Of.get(keyOf(edge)) ?? Number.NaN;
    value.push({
      ...edge,
      calls: Math.round(count),
      errors: Math.round(errorsOf.get(keyOf(edge)) ?? 0),
      p95Ms: Number.isFinite(seconds95) ? seconds95 * metrics.unitMs : 0,
    });
  }
  return { value, partial: [...new Set([calls, errors, p95].flatMap((answer) => answer.partial))] };
}

/** Edges of the first list, and those of the second that it lacks. */
export function mergeEdges(preferred: readonly EdgeStats[], other: readonly EdgeStats[]): EdgeStats[] {
  const known = new Set(preferred.map(keyOf));
  return [...preferred, ...other.filter((edge) => !known.has(keyOf(edge)))];
}

/** Who depends on whom, as the edges show it. */
export function topologyOfEdges(edges: readonly Pick<EdgeStats, "from" | "to">[]): Topology {
  const services = new Map<string, Set<string>>();
  for (const { from, to } of edges) {
    if (!services.has(to)) services.set(to, new Set());
    const callees = services.get(from) ?? new Set<string>();
    callees.add(to);
    services.set(from, callees);
  }
  return { services: [...services].map(([id, callees]) => ({ id, dependsOn: [...callees].sort(), labels: {} })) };
}

const keyOf = ({ from, to }: Pick<EdgeStats, "from" | "to">): string => JSON.stringify([from, to]);
