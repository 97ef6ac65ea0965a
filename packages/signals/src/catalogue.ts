// Which metrics answer which signal. A *candidate* is a PromQL template with the metrics it needs; the first candidate whose metrics the
// server has and that gives data for a service speaks for it. In a template stand `$by` (the label that names the service), `$sel`
// (matchers that pick the services; always last in its braces) and `$w` (the window of a rate).
// Sources: OpenTelemetry semantic conventions 1.37 (HTTP, RPC, database, process), prom-client defaults, Traefik 3 and Istio 1.27 and
// Envoy metric references, node-exporter, cAdvisor, kube-state-metrics, postgres_exporter, redis_exporter, Redpanda public metrics.
import type { SignalName } from "@tocsin/contracts";

export interface Candidate {
  /** Unique within its signal, e.g. `otel-http`. */
  readonly id: string;
  /** Each has to exist, with these labels. */
  readonly needs: readonly { readonly metric: string; readonly labels?: readonly string[] }[];
  readonly promql: string;
  /** Labels that name the service in these metrics, best first; absent: the configured ones. */
  readonly serviceLabels?: readonly string[];
  /** The label's value is `name@provider`, as Traefik writes it. */
  readonly decorated?: boolean;
}

/** Labels that name a service, best first, where a candidate does not say better. */
export const SERVICE_LABELS: readonly string[] = [
  "service",
  "service_name",
  "app",
  "app_kubernetes_io_name",
  "container_label_com_docker_compose_service",
  "container",
  "deployment",
  "job",
];

const CONTAINER = ["container_label_com_docker_compose_service", "container", "name", "pod"];
const MESH = ["destination_service_name", "destination_workload", "destination_canonical_service", "app"];
const INSTANCE = ["service", "job", "instance"];

interface RequestMetrics {
  readonly id: string;
  /** Counter of requests; a histogram's `_count` is one. */
  readonly count: string;
  /** Histogram of durations, without `_bucket`. */
  readonly duration?: string;
  /** Seconds in one unit of the histogram. */
  readonly unitSeconds?: number;
  /** The label that tells failure, and the matcher that means it. */
  readonly failed: readonly (readonly [label: string, matcher: string])[];
  readonly serviceLabels?: readonly string[];
  readonly decorated?: boolean;
  /** More matchers, for metrics that are reported from both ends. */
  readonly only?: string;
}

const fivehundreds = (...labels: string[]) => labels.map((label) => [label, `${label}=~"5.."`] as const);

/** Families of request metrics; rate, errors and duration follow from each. */
const REQUESTS: readonly RequestMetrics[] = [
  {
    id: "otel-http",
    count: "http_server_request_duration_seconds_count",
    duration: "http_server_request_duration_seconds",
    failed: fivehundreds("status_code", "http_response_status_code", "code", "status"),
  },
  {
    id: "otel-http-2023",
    count: "http_server_duration_milliseconds_count",
    duration: "http_server_duration_milliseconds",
    unitSeconds: 0.001,
    failed: fivehundreds("http_status_code"),
  },
  {
    id: "otel-rpc",
    count: "rpc_server_duration_milliseconds_count",
    duration: "rpc_server_duration_milliseconds",
    unitSeconds: 0.001,
    failed: [["rpc_grpc_status_code", 'rpc_grpc_status_code=~"2|4|8|12|13|14|15"']],
  },
  {
    id: "prom-http",
    count: "http_request_duration_seconds_count",
    duration: "http_request_duration_seconds",
    failed: fivehundreds("status_code", "code", "status"),
  },
  { id: "prom-http-total", count: "http_requests_total", failed: fivehundreds("status_code", "code", "status") },
  {
    id: "traefik",
    count: "traefik_service_requests_total",
    failed: fivehundreds("code"),
    serviceLabels: ["service", "exported_service"],
    decorated: true,
  },
  {
    id: "istio",
    count: "istio_requests_total",
    failed: fivehundreds("response_code"),
    serviceLabels: MESH,
    only: 'reporter="destination"',
  },
  {
    id: "envoy",
    count: "envoy_cluster_upstream_rq_completed",
    failed: [],
    serviceLabels: ["envoy_cluster_name"],
  },
  {
    id: "spanmetrics",
    count: "traces_spanmetrics_calls_total",
    duration: "traces_spanmetrics_latency",
    failed: [["status_code", 'status_code="STATUS_CODE_ERROR"']],
    only: 'span_kind="SPAN_KIND_SERVER"',
  },
  {
    id: "grpc",
    count: "grpc_server_handled_total",
    failed: [["grpc_code", 'grpc_code=~"Unknown|DeadlineExceeded|ResourceExhausted|Unimplemented|Internal|Unavailable|DataLoss"']],
  },
  {
    id: "redpanda",
    count: "redpanda_kafka_request_latency_seconds_count",
    duration: "redpanda_kafka_request_latency_seconds",
    failed: [],
    serviceLabels: INSTANCE,
  },
];

/** Histograms whose counter is called otherwise. */
const DURATIONS: readonly Pick<RequestMetrics, "id" | "duration" | "unitSeconds" | "serviceLabels" | "decorated" | "only">[] = [
  { id: "traefik", duration: "traefik_service_request_duration_seconds", serviceLabels: ["service", "exported_service"], decorated: true },
  { id: "istio", duration: "istio_request_duration_milliseconds", unitSeconds: 0.001, serviceLabels: MESH, only: 'reporter="destination"' },
  { id: "envoy", duration: "envoy_cluster_upstream_rq_time", unitSeconds: 0.001, serviceLabels: ["envoy_cluster_name"] },
  { id: "grpc", duration: "grpc_server_handling_seconds" },
  // Of the OpenTelemetry Collector's connector; its counter has the name that Tempo gives it.
  { id: "spanmetrics-connector", duration: "traces_spanmetrics_duration_seconds", only: 'span_kind="SPAN_KIND_SERVER"' },
];

const own = ({ serviceLabels, decorated }: Pick<RequestMetrics, "serviceLabels" | "decorated">) => ({
  ...(serviceLabels ? { serviceLabels } : {}),
  ...(decorated ? { decorated } : {}),
});
const braces = (...matchers: (string | undefined)[]) => `{${[...matchers.filter(Boolean), "$sel"].join(",")}}`;
const sumRate = (metric: string, ...matchers: (string | undefined)[]) => `sum by ($by) (rate(${metric}${braces(...matchers)}[$w]))`;

const requestRate: readonly Candidate[] = [
  ...REQUESTS.map((family) => ({
    id: family.id,
    needs: [{ metric: family.count }],
    promql: sumRate(family.count, family.only),
    ...own(family),
  })),
  {
    id: "redis",
    needs: [{ metric: "redis_commands_processed_total" }],
    promql: sumRate("redis_commands_processed_total"),
    serviceLabels: INSTANCE,
  },
  {
    id: "postgres",
    needs: [{ metric: "pg_stat_database_xact_commit" }, { metric: "pg_stat_database_xact_rollback" }],
    promql: `${sumRate("pg_stat_database_xact_commit")} + ${sumRate("pg_stat_database_xact_rollback")}`,
    serviceLabels: INSTANCE,
  },
];

/** No failed series yet means no failure, not no answer; no request means no answer. */
const ratio = (failed: string, all: string) => `(${failed} or ${all} * 0) / ${all}`;

const errorRatio: readonly Candidate[] = [
  ...REQUESTS.flatMap((family) =>
    family.failed.map(([label, matcher]) => ({
      id: `${family.id}-${label}`,
      needs: [{ metric: family.count, labels: [label] }],
      promql: ratio(sumRate(family.count, family.only, matcher), sumRate(family.count, family.only)),
      ...own(family),
    })),
  ),
  {
    id: "envoy",
    needs: [{ metric: "envoy_cluster_upstream_rq_xx", labels: ["envoy_response_code_class"] }],
    promql: ratio(sumRate("envoy_cluster_upstream_rq_xx", 'envoy_response_code_class="5"'), sumRate("envoy_cluster_upstream_rq_xx")),
    serviceLabels: ["envoy_cluster_name"],
  },
  {
    id: "postgres",
    needs: [{ metric: "pg_stat_database_xact_rollback" }, { metric: "pg_stat_database_xact_commit" }],
    promql: `${sumRate("pg_stat_database_xact_rollback")} / (${sumRate("pg_stat_database_xact_commit")} + ${sumRate("pg_stat_database_xact_rollback")})`,
    serviceLabels: INSTANCE,
  },
];

const latencyP95: readonly Candidate[] = [...REQUESTS, ...DURATIONS].flatMap((family) => {
  const { id, duration, unitSeconds, only } = family;
  if (duration === undefined) return [];
  const quantile = `histogram_quantile(0.95, sum by (le, $by) (rate(${duration}_bucket${braces(only)}[$w])))`;
  const promql = unitSeconds === undefined ? quantile : `${quantile} * ${unitSeconds}`;
  return [{ id, needs: [{ metric: `${duration}_bucket` }], promql, ...own(family) }];
});

/** A gauge as the worst of a service's instances. */
const most = (id: string, metric: string, serviceLabels?: readonly string[]): Candidate => ({
  id,
  needs: [{ metric }],
  promql: `max by ($by) (${metric}{$sel})`,
  ...(serviceLabels ? { serviceLabels } : {}),
});

/** How full the fullest is: a gauge over its limit, pair by pair. */
const fullest = (id: string, used: string, limit: string, serviceLabels?: readonly string[], limitIsSet = false): Candidate => ({
  id,
  needs: [{ metric: used.replace(/\{.*/, "") }, { metric: limit }],
  promql: `max by ($by) (${used.includes("{") ? used : `${used}{$sel}`} / ignoring(state) (${limit}{$sel}${limitIsSet ? " > 0" : ""}))`,
  ...(serviceLabels ? { serviceLabels } : {}),
});

/** Candidates of every signal, in the order in which they are tried. */
export const CATALOGUE: Readonly<Record<SignalName, readonly Candidate[]>> = {
  up: [
    { id: "up", needs: [{ metric: "up" }], promql: "min by ($by) (up{$sel})" },
    { id: "postgres", needs: [{ metric: "pg_up" }], promql: "min by ($by) (pg_up{$sel})", serviceLabels: INSTANCE },
    { id: "redis", needs: [{ metric: "redis_up" }], promql: "min by ($by) (redis_up{$sel})", serviceLabels: INSTANCE },
  ],
  request_rate: requestRate,
  error_ratio: errorRatio,
  latency_p95: latencyP95,
  cpu: [
    { id: "process", needs: [{ metric: "process_cpu_seconds_total" }], promql: sumRate("process_cpu_seconds_total") },
    { id: "otel-process", needs: [{ metric: "process_cpu_time_seconds_total" }], promql: sumRate("process_cpu_time_seconds_total") },
    {
      id: "cadvisor",
      needs: [{ metric: "container_cpu_usage_seconds_total" }],
      promql: sumRate("container_cpu_usage_seconds_total"),
      serviceLabels: CONTAINER,
    },
    {
      id: "node",
      needs: [{ metric: "node_cpu_seconds_total", labels: ["mode"] }],
      promql: sumRate("node_cpu_seconds_total", 'mode!~"idle|iowait"'),
      serviceLabels: INSTANCE,
    },
  ],
  memory: [
    { id: "process", needs: [{ metric: "process_resident_memory_bytes" }], promql: "sum by ($by) (process_resident_memory_bytes{$sel})" },
    { id: "otel-process", needs: [{ metric: "process_memory_usage_bytes" }], promql: "sum by ($by) (process_memory_usage_bytes{$sel})" },
    {
      id: "cadvisor",
      needs: [{ metric: "container_memory_working_set_bytes" }],
      promql: "sum by ($by) (container_memory_working_set_bytes{$sel})",
      serviceLabels: CONTAINER,
    },
    { ...most("redis", "redis_memory_used_bytes", INSTANCE) },
    { ...most("redpanda", "redpanda_memory_allocated_memory", INSTANCE) },
    {
      id: "node",
      needs: [{ metric: "node_memory_MemTotal_bytes" }, { metric: "node_memory_MemAvailable_bytes" }],
      promql: "sum by ($by) (node_memory_MemTotal_bytes{$sel}) - sum by ($by) (node_memory_MemAvailable_bytes{$sel})",
      serviceLabels: INSTANCE,
    },
  ],
  heap: [
    { id: "prom-client", needs: [{ metric: "nodejs_heap_size_used_bytes" }], promql: "sum by ($by) (nodejs_heap_size_used_bytes{$sel})" },
    { id: "otel-node", needs: [{ metric: "v8js_memory_heap_used_bytes" }], promql: "sum by ($by) (v8js_memory_heap_used_bytes{$sel})" },
    {
      id: "otel-jvm",
      needs: [{ metric: "jvm_memory_used_bytes", labels: ["jvm_memory_type"] }],
      promql: 'sum by ($by) (jvm_memory_used_bytes{jvm_memory_type="heap",$sel})',
    },
    {
      id: "micrometer",
      needs: [{ metric: "jvm_memory_used_bytes", labels: ["area"] }],
      promql: 'sum by ($by) (jvm_memory_used_bytes{area="heap",$sel})',
    },
    { id: "go", needs: [{ metric: "go_memstats_heap_inuse_bytes" }], promql: "sum by ($by) (go_memstats_heap_inuse_bytes{$sel})" },
  ],
  oom_kills: [
    {
      id: "cadvisor",
      needs: [{ metric: "container_oom_events_total" }],
      promql: "sum by ($by) (increase(container_oom_events_total{$sel}[5m]))",
      serviceLabels: CONTAINER,
    },
    {
      id: "kube",
      needs: [
        { metric: "kube_pod_container_status_last_terminated_reason", labels: ["reason"] },
        { metric: "kube_pod_container_status_restarts_total" },
      ],
      promql:
        'sum by ($by) (increase(kube_pod_container_status_restarts_total{$sel}[5m]) * on (namespace, pod, container) group_left () kube_pod_container_status_last_terminated_reason{reason="OOMKilled",$sel})',
      serviceLabels: ["container", "pod"],
    },
    {
      id: "node",
      needs: [{ metric: "node_vmstat_oom_kill" }],
      promql: "sum by ($by) (increase(node_vmstat_oom_kill{$sel}[5m]))",
      serviceLabels: INSTANCE,
    },
  ],
  restarts: [
    {
      id: "kube",
      needs: [{ metric: "kube_pod_container_status_restarts_total" }],
      promql: "sum by ($by) (increase(kube_pod_container_status_restarts_total{$sel}[5m]))",
      serviceLabels: ["container", "pod"],
    },
    {
      id: "process",
      needs: [{ metric: "process_start_time_seconds" }],
      promql: "sum by ($by) (changes(process_start_time_seconds{$sel}[5m]))",
    },
    {
      id: "cadvisor",
      needs: [{ metric: "container_start_time_seconds" }],
      promql: "sum by ($by) (changes(container_start_time_seconds{$sel}[5m]))",
      serviceLabels: CONTAINER,
    },
  ],
  event_loop_lag: [most("prom-client", "nodejs_eventloop_lag_p99_seconds"), most("otel-node", "nodejs_eventloop_delay_p99_seconds")],
  saturation: [
    fullest("pool", "pool_in_use", "pool_size"),
    fullest("otel-db", 'db_client_connection_count{state="used",$sel}', "db_client_connection_max"),
    fullest("hikari", "hikaricp_connections_active", "hikaricp_connections_max"),
    fullest("redis-memory", "redis_memory_used_bytes", "redis_memory_max_bytes", INSTANCE, true),
    {
      id: "postgres",
      needs: [{ metric: "pg_stat_activity_count" }, { metric: "pg_settings_max_connections" }],
      promql: "sum by ($by) (pg_stat_activity_count{$sel}) / max by ($by) (pg_settings_max_connections{$sel})",
      serviceLabels: INSTANCE,
    },
    {
      id: "redpanda",
      needs: [{ metric: "redpanda_storage_disk_free_bytes" }, { metric: "redpanda_storage_disk_total_bytes" }],
      promql: "max by ($by) (1 - redpanda_storage_disk_free_bytes{$sel} / redpanda_storage_disk_total_bytes{$sel})",
      serviceLabels: INSTANCE,
    },
    {
      id: "cadvisor",
      needs: [{ metric: "container_memory_working_set_bytes" }, { metric: "container_spec_memory_limit_bytes" }],
      promql: "max by ($by) (container_memory_working_set_bytes{$sel} / (container_spec_memory_limit_bytes{$sel} > 0))",
      serviceLabels: CONTAINER,
    },
    {
      id: "node-disk",
      needs: [{ metric: "node_filesystem_avail_bytes", labels: ["fstype"] }, { metric: "node_filesystem_size_bytes" }],
      promql:
        'max by ($by) (1 - node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|overlay|squashfs",$sel} / (node_filesystem_size_bytes{fstype!~"tmpfs|ramfs|overlay|squashfs",$sel} > 0))',
      serviceLabels: INSTANCE,
    },
  ],
};

/** Every metric that some candidate needs. */
export const CATALOGUE_METRICS: readonly string[] = [
  ...new Set(Object.values(CATALOGUE).flatMap((candidates) => candidates.flatMap(({ needs }) => needs.map(({ metric }) => metric)))),
];
