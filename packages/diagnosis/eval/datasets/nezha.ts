// Nezha (IntelligentDDS/Nezha, MIT): OnlineBoutique with pod metrics and trace edges a minute, TrainTicket with metrics, spans and logs.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { LogLine, Sample, SignalName, Span, Topology } from "@tocsin/contracts";
import type { DiagnosisInput, DiagnosisSeries, EdgeSeries } from "../../src/input.ts";
import { medianOf } from "../../src/robust.ts";
import { type OperationStats, summariseSpans } from "../../src/traces.ts";
import { numberOf, readRecords } from "./csv.ts";

export interface NezhaCase {
  readonly system: string;
  readonly date: string;
  readonly id: string;
  readonly faultType: string;
  readonly truth: string;
  readonly input: DiagnosisInput;
}

interface Fault {
  readonly system: string;
  readonly date: string;
  readonly inject_epoch: number;
  readonly service: string;
  readonly fault_type: string;
  readonly eval_minute: string;
  readonly normal_minute: string;
  readonly minutes: readonly string[];
}

/** A fault shows for about this long; nothing is learned from what others left behind. */
const FAULT_SECONDS = 300;
const BASELINE_SECONDS = 3_600;

/** The pods' owner: the name without the hashes that Kubernetes adds. */
const serviceOf = (pod: string): string => pod.replace(/-[0-9a-f]{6,10}-[a-z0-9]{5}$/, "");

/** Some rows of one pod carry a clock that is off by exactly 200,000,000 s. */
const clockOf = (text: string | undefined): number => {
  const at = numberOf(text);
  return at > 1_800_000_000 ? at - 200_000_000 : at;
};

/** The pod metrics that are signals of the product, and what makes its unit of theirs. */
const POD_SIGNALS: readonly (readonly [column: string, signal: SignalName, factor: number])[] = [
  ["CpuUsageRate(%)", "cpu", 0.01],
  ["MemoryUsageRate(%)", "memory", 1e7],
  ["PodServerLatencyP90(s)", "latency_p95", 1],
  ["PodWorkload(Ops)", "request_rate", 1],
];

function podSeries(folder: string): DiagnosisSeries[] {
  const series = new Map<string, { samples: Sample[]; service: string; signal: SignalName; query: string }>();
  for (const row of readRecords(join(folder, "metrics_pods.csv.gz"))) {
    const at = clockOf(row["TimeStamp"]);
    const service = serviceOf(row["PodName"] ?? "");
    if (!Number.isFinite(at)) continue;
    for (const [column, signal, factor] of POD_SIGNALS) {
      const key = `${service}|${signal}`;
      const one = series.get(key) ?? { samples: [], service, signal, query: `${column}{pod=~"${service}-.*"}` };
      one.samples.push([at, numberOf(row[column]) * factor]);
      series.set(key, one);
    }
  }
  for (const { samples } of series.values()) samples.sort((a, b) => a[0] - b[0]);
  return [...series.values()];
}

/** Latency of an edge as the mesh saw it on either side. */
function meshSeries(folder: string): EdgeSeries[] {
  const list: EdgeSeries[] = [];
  for (const [file, side] of [
    ["metrics_source_50.csv.gz", "client"],
    ["metrics_destination_50.csv.gz", "server"],
  ] as const) {
    if (!existsSync(join(folder, file))) continue;
    const rows = readRecords(join(folder, file));
    for (const column of Object.keys(rows[0] ?? {})) {
      const [from, to] = column.split("_");
      if (from === undefined || to === undefined || column === "time" || column === "timestamp") continue;
      const samples = rows.map((row): Sample => [clockOf(row["timestamp"]), numberOf(row[column])]);
      list.push({ from, to, side, samples, query: `${side}_latency_p50{edge="${column}"}` });
    }
  }
  return list;
}

function dependencies(folder: string): Topology {
  const path = join(folder, "metrics_dependency.csv.gz");
  const callees = new Map<string, string[]>();
  for (const row of existsSync(path) ? readRecords(path) : []) {
    const from = row["Source"] ?? "";
    callees.set(from, [...(callees.get(from) ?? []), row["Target"] ?? ""]);
  }
  return { services: [...callees].map(([id, dependsOn]) => ({ id, dependsOn, labels: {} })) };
}

/** Per minute the operations' statistics. Client spans get the peer whose server span carries the same method. */
function edgeOperations(folder: string): Map<string, OperationStats[]> {
  const minutes = new Map<string, OperationStats[]>();
  const method = (name: string) => name.split(/[/.]/).slice(-2).join("/");
  for (const file of ["trace_edges_fault.csv.gz", "trace_edges_normal.csv.gz"]) {
    if (!existsSync(join(folder, file))) continue;
    const rows = readRecords(join(folder, file));
    const servers = new Map<string, string>();
    for (const row of rows) {
      if (row["ParentPod"] === "" || row["ParentPod"] === row["PodName"]) continue;
      servers.set(`${serviceOf(row["ParentPod"] ?? "")}|${method(row["OperationName"] ?? "")}`, serviceOf(row["PodName"] ?? ""));
    }
    for (const row of rows) {
      const service = serviceOf(row["PodName"] ?? "");
      const parent = row["ParentPod"] === "" ? undefined : serviceOf(row["ParentPod"] ?? "");
      const peer = parent === service || parent === undefined ? servers.get(`${service}|${method(row["OperationName"] ?? "")}`) : undefined;
      const stats: OperationStats = {
        service,
        name: row["OperationName"] ?? "",
        ...(parent === undefined ? {} : { parent }),
        ...(peer === undefined || peer === service ? {} : { peer }),
        calls: numberOf(row["spans"]),
        errorOrigins: 0,
        selfP50Ms: numberOf(row["self_p50_ms"]),
        selfP90Ms: numberOf(row["self_p90_ms"]),
      };
      const minute = row["minute"] ?? "";
      minutes.set(minute, [...(minutes.get(minute) ?? []), stats]);
    }
  }
  return minutes;
}

function spanOperations(folder: string): Map<string, OperationStats[]> {
  const minutes = new Map<string, OperationStats[]>();
  for (const part of ["fault", "normal"]) {
    const below = join(folder, part);
    for (const file of existsSync(below) ? readdirSync(below).sort() : []) {
      if (!file.endsWith("_trace.csv.gz")) continue;
      const spans = readRecords(join(below, file)).map((row): Span => {
        const start = numberOf(row["StartTimeUnixNano"]);
        const parent = row["ParentID"];
        return {
          traceId: row["TraceID"] ?? "",
          spanId: row["SpanID"] ?? "",
          ...(parent === undefined || parent === "" || parent === "root" ? {} : { parentSpanId: parent }),
          service: serviceOf(row["PodName"] ?? ""),
          name: row["OperationName"] ?? "",
          startAt: start / 1e9,
          durationMs: (numberOf(row["EndTimeUnixNano"]) - start) / 1e6,
          error: false,
        };
      });
      minutes.set(file.slice(0, 5), summariseSpans(spans));
    }
  }
  return minutes;
}

function logLines(folder: string): Map<string, LogLine[]> {
  const minutes = new Map<string, LogLine[]>();
  for (const part of ["fault", "normal"]) {
    const below = join(folder, part);
    for (const file of existsSync(below) ? readdirSync(below).sort() : []) {
      if (!file.endsWith("_log.csv.gz")) continue;
      const lines = readRecords(join(below, file)).map((row): LogLine => {
        const message = row["Message"] ?? "";
        const level = /\b(ERROR|FATAL)\b/.test(message) ? "error" : /\bWARN(ING)?\b/.test(message) ? "warn" : "info";
        return { at: numberOf(row["TimeUnixNano"]) / 1e9, service: serviceOf(row["PodName"] ?? ""), level, message };
      });
      minutes.set(file.slice(0, 5), lines);
    }
  }
  return minutes;
}

const keyOf = (stats: OperationStats) => `${stats.service}|${stats.name}|${stats.parent ?? ""}|${stats.peer ?? ""}`;

/** What an operation is usually like: the median over minutes. A minute without it counts as no call. */
function typical(minutes: readonly OperationStats[][]): OperationStats[] {
  const byKey = new Map<string, OperationStats[]>();
  for (const minute of minutes) for (const stats of minute) byKey.set(keyOf(stats), [...(byKey.get(keyOf(stats)) ?? []), stats]);
  return [...byKey.values()].map((list) => ({
    ...(list[0] as OperationStats),
    calls: medianOf([...list.map((each) => each.calls), ...new Array<number>(minutes.length - list.length).fill(0)]),
    selfP50Ms: medianOf(list.map((each) => each.selfP50Ms)),
    selfP90Ms: medianOf(list.map((each) => each.selfP90Ms)),
  }));
}

const minuteAt = (epoch: number): string => new Date(epoch * 1_000).toISOString().slice(11, 16).replace(":", "_");

/**
 * Every fault of `faults.json` whose day is there. Normal is what the day's other minutes show: metrics in the hour before without the times
 * of other faults; traces and logs in the normal minute and the minutes of the other faults, before and after (Nezha, too, takes its normal
 * minute from after the faults on one day).
 */
export function* nezhaCases(root: string): Generator<NezhaCase> {
  if (!existsSync(join(root, "faults.json"))) return;
  const faults = JSON.parse(readFileSync(join(root, "faults.json"), "utf8")) as Fault[];
  const days = new Map<string, Fault[]>();
  for (const fault of faults) {
    const day = join(root, fault.system, fault.date);
    if (existsSync(day)) days.set(day, [...(days.get(day) ?? []), fault]);
  }
  for (const [folder, list] of days) {
    const series = podSeries(folder);
    const mesh = meshSeries(folder);
    const topology = dependencies(folder);
    const operations = existsSync(join(folder, "fault")) ? spanOperations(folder) : edgeOperations(folder);
    const logs = logLines(folder);
    for (const fault of list) {
      const splitAt = fault.inject_epoch;
      const own = new Set(fault.minutes);
      const first = minuteAt(splitAt);
      const to = (Math.floor(splitAt / 60) + 3) * 60;
      const from = splitAt - BASELINE_SECONDS;
      const inWindow = ([at]: Sample) => at >= from && at < to;
      const during = [...operations].filter(([minute]) => own.has(minute) && minute !== first);
      const fallback = [...operations].filter(([minute]) => minute === first);
      const incident = (during.length > 0 ? during : fallback).map(([, stats]) => stats);
      const others = [...operations].filter(([minute]) => !own.has(minute)).map(([, stats]) => stats);
      const shift = splitAt - 600;
      // Lines of other minutes are moved, spread over the ten minutes before, so that a rate can be told from them.
      const otherMinutes = [...logs].filter(([minute]) => !own.has(minute));
      const before = otherMinutes.flatMap(([, lines], index) =>
        lines.map((line) => ({ ...line, at: shift + (index / otherMinutes.length) * 600 })),
      );
      const now = [...logs]
        .filter(([minute]) => own.has(minute))
        .flatMap(([, lines]) => lines.map((line) => ({ ...line, at: Math.max(line.at, splitAt) })));
      yield {
        system: fault.system,
        date: fault.date,
        id: `${fault.date} ${fault.eval_minute}`,
        faultType: fault.fault_type,
        truth: fault.service,
        input: {
          window: { from, splitAt, to },
          members: [],
          series: series.map((one) => ({ ...one, samples: one.samples.filter(inWindow) })),
          edgeSeries: mesh.map((one) => ({ ...one, samples: one.samples.filter(inWindow) })),
          logs: [...before, ...now],
          spans: [],
          operations: { baseline: incident.length === 0 ? [] : typical(others), incident: incident.length === 0 ? [] : typical(incident) },
          edges: { baseline: [], incident: [] },
          topology,
          changes: [],
          excluded: list
            .filter((other) => other !== fault)
            .map((other) => ({ from: other.inject_epoch, to: other.inject_epoch + FAULT_SECONDS })),
          missing: [],
          now: to,
          evidenceId: (content) => content,
        },
      };
    }
  }
}
