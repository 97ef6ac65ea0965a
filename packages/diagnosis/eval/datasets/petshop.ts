// PetShop (amazon-science/petshop-root-cause-analysis, CC-BY-4.0): call graph, 5-minute metrics, issues opened by an SLI alert on one node.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Sample, SignalName, Topology } from "@tocsin/contracts";
import type { DiagnosisInput, DiagnosisSeries } from "../../src/input.ts";
import { numberOf, readCsv } from "./csv.ts";

const BUCKET_SECONDS = 300;

interface Column {
  readonly service: string;
  readonly signal: SignalName;
  readonly statistic: string;
  readonly samples: readonly Sample[];
}

export interface PetshopCase {
  readonly traffic: string;
  readonly split: string;
  readonly id: string;
  readonly metric: string;
  /** Absent for a window in which nothing was wrong. */
  readonly truth: string | undefined;
  readonly input: DiagnosisInput;
}

/** Latency in seconds, availability as the ratio of errors, requests per second: the product's own signals. */
function columnsOf(path: string): Column[] {
  const [services = [], metrics = [], statistics = [], ...rows] = readCsv(path);
  const body = rows.filter((row) => Number.isFinite(numberOf(row[0])));
  const columns: Column[] = [];
  for (let index = 1; index < services.length; index++) {
    const metric = metrics[index];
    const signal: SignalName | undefined =
      metric === "latency" ? "latency_p95" : metric === "availability" ? "error_ratio" : metric === "requests" ? "request_rate" : undefined;
    const statistic = statistics[index] ?? "";
    // One series a signal, as the product has it: of the latencies, the mean.
    if (signal === undefined || (metric === "latency" && statistic !== "Average")) continue;
    const samples = body.map((row): Sample => {
      const value = numberOf(row[index]);
      const converted = signal === "error_ratio" ? (100 - value) / 100 : signal === "request_rate" ? value / BUCKET_SECONDS : value;
      return [numberOf(row[0]), converted];
    });
    columns.push({ service: services[index] ?? "", signal, statistic, samples });
  }
  return columns;
}

function topologyOf(path: string): Topology {
  const [header = [], ...rows] = readCsv(path);
  const names = header.slice(1);
  return {
    services: rows.map((row) => ({
      id: row[0] ?? "",
      dependsOn: names.filter((_, index) => numberOf(row[index + 1]) === 1),
      labels: {},
    })),
  };
}

const keyOf = (column: Column) => `${column.service}|${column.signal}|${column.statistic}`;

/** The baseline, moved in time to end right where the incident's rows begin, then those rows. */
function seriesOf(incident: readonly Column[], baseline: ReadonlyMap<string, readonly Sample[]>): DiagnosisSeries[] {
  return incident.map((column) => {
    const first = column.samples[0]?.[0] ?? 0;
    const before = baseline.get(keyOf(column)) ?? [];
    const moved = before.map(([, value], index): Sample => [first - (before.length - index) * BUCKET_SECONDS, value]);
    return {
      service: column.service,
      signal: column.signal,
      samples: [...moved, ...column.samples],
      ...(column.signal === "latency_p95" ? { statistic: "mean" as const } : {}),
      query: `${column.signal}{service="${column.service}", statistic="${column.statistic}"}`,
    };
  });
}

function inputOf(series: readonly DiagnosisSeries[], topology: Topology, node: string, metric: string, splitAt: number): DiagnosisInput {
  let from = Number.POSITIVE_INFINITY;
  let last = 0;
  for (const { samples } of series) {
    from = Math.min(from, samples[0]?.[0] ?? from);
    last = Math.max(last, samples.at(-1)?.[0] ?? last);
  }
  const to = last + BUCKET_SECONDS;
  return {
    window: { from, splitAt, to },
    members: [
      {
        fingerprint: "0000000000000000",
        name: metric,
        service: node,
        severity: "critical",
        role: "root",
        startsAt: new Date(splitAt * 1_000).toISOString(),
        annotations: {},
      },
    ],
    series,
    logs: [],
    spans: [],
    edges: { baseline: [], incident: [] },
    topology,
    changes: [],
    missing: [],
    now: to,
    evidenceId: (content) => content,
  };
}

const folders = (path: string): string[] =>
  existsSync(path)
    ? readdirSync(path)
        .filter((name) => statSync(join(path, name)).isDirectory())
        .sort()
    : [];

/** Rows of a quiet window that belong to the incident: as many as an issue has. */
const QUIET_ROWS = 5;
/** Rows that a quiet window needs before it. */
const QUIET_BASELINE = 100;

/** Every case below a folder in the layout `<traffic>/<split>/issue_*` with `<traffic>/noissue` and `<traffic>/graph.csv`. */
export function* petshopCases(root: string): Generator<PetshopCase> {
  for (const traffic of folders(root)) {
    const graph = join(root, traffic, "graph.csv");
    if (!existsSync(graph)) continue;
    const topology = topologyOf(graph);
    const quietPath = ["metrics.csv.gz", "metrics.csv"].map((name) => join(root, traffic, "noissue", name)).find(existsSync);
    const quiet = quietPath === undefined ? [] : columnsOf(quietPath);
    const issues = folders(join(root, traffic)).flatMap((split) =>
      folders(join(root, traffic, split))
        .filter((name) => name.startsWith("issue_"))
        .map((name) => {
          const folder = join(root, traffic, split, name);
          const metricsPath = ["metrics.csv", "metrics.csv.gz"].map((file) => join(folder, file)).find(existsSync) ?? "";
          const target = JSON.parse(readFileSync(join(folder, "target.json"), "utf8")) as {
            target: { node: string; metric: string; timestamp: number };
            root_cause: { node: string };
          };
          return { split, name, target, columns: columnsOf(metricsPath) };
        }),
    );
    const baseline = new Map<string, readonly Sample[]>(quiet.map((column) => [keyOf(column), column.samples]));
    if (quiet.length === 0) {
      // Without a quiet period, what each issue shows before its alert is all there is of normal times.
      for (const { columns, target } of issues) {
        for (const column of columns) {
          const before = column.samples.filter(([at]) => at + BUCKET_SECONDS <= target.target.timestamp);
          baseline.set(keyOf(column), [...(baseline.get(keyOf(column)) ?? []), ...before]);
        }
      }
    }
    for (const { split, name, target, columns } of issues) {
      const times = columns[0]?.samples.map(([at]) => at) ?? [];
      // The bucket in which the alert fired is the first of the incident.
      const splitAt = times.findLast((at) => at <= target.target.timestamp) ?? times[0] ?? 0;
      const { node, metric } = target.target;
      yield {
        traffic,
        split,
        id: name,
        metric,
        truth: target.root_cause.node,
        input: inputOf(seriesOf(columns, baseline), topology, node, metric, splitAt),
      };
    }
    const targets = [...new Set(issues.map(({ target }) => `${target.target.node}|${target.target.metric}`))].sort();
    const rows = quiet[0]?.samples.length ?? 0;
    for (let start = QUIET_BASELINE; start + QUIET_ROWS <= rows; start += QUIET_ROWS) {
      for (const target of targets) {
        const [node = "", metric = ""] = target.split("|");
        const series = quiet.map((column) => ({
          service: column.service,
          signal: column.signal,
          samples: column.samples.slice(0, start + QUIET_ROWS),
          ...(column.signal === "latency_p95" ? { statistic: "mean" as const } : {}),
          query: keyOf(column),
        }));
        // The row before the alert's bucket is still normal, as it is in the issues.
        const splitAt = quiet[0]?.samples[start + 1]?.[0] ?? 0;
        yield {
          traffic,
          split: "noissue",
          id: `window_${start}`,
          metric,
          truth: undefined,
          input: inputOf(series, topology, node, metric, splitAt),
        };
      }
    }
  }
}
