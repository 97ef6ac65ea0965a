// Terms. A *signal* is a question that can be asked of any service (`error_ratio`), whatever its metrics are called.
// A *series* is the answer over time. *Topology* says who calls whom: an edge points from the caller to the callee.
import * as z from "zod";
import { LabelSet, Timestamp } from "./primitives.ts";

/** The semantic signals, each with one unit: ratio, seconds, bytes, cores, per second, or 0/1. */
export const SignalName = z.enum([
  "up", // 1 when the last scrape answered, else 0
  "request_rate", // requests per second
  "error_ratio", // failed / all requests, 0 to 1
  "latency_p95", // seconds
  "cpu", // cores in use
  "memory", // resident bytes
  "heap", // bytes in use of what the runtime manages itself
  "restarts", // starts of the process in the last five minutes
  "oom_kills", // times it was killed for its memory in the last five minutes
  "event_loop_lag", // seconds, 99th percentile
  "saturation", // the fullest pool or queue, 0 to 1
]);
export type SignalName = z.output<typeof SignalName>;

/** One sample: Unix seconds and the value, which may be NaN (a gap). */
export type Sample = readonly [atSeconds: number, value: number];

export interface Series {
  readonly labels: LabelSet;
  /** In ascending time. */
  readonly samples: readonly Sample[];
}

/** One signal of one service over a window. */
export interface SignalSeries {
  readonly service: string;
  readonly signal: SignalName;
  readonly samples: readonly Sample[];
  /** The query that gave it, as a person could paste it. */
  readonly query: string;
}

export interface LogLine {
  /** Unix seconds. */
  readonly at: number;
  readonly service: string;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
}

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly service: string;
  readonly name: string;
  /** Unix seconds. */
  readonly startAt: number;
  readonly durationMs: number;
  readonly error: boolean;
  /** On a client's span: whom it called. The only trace of a callee that never answered. */
  readonly peer?: string;
}

/** Calls from `from` to `to` as seen in a window. */
export interface EdgeStats {
  readonly from: string;
  readonly to: string;
  readonly calls: number;
  readonly errors: number;
  readonly p95Ms: number;
}

export const TopologyService = z.object({
  id: z.string().min(1),
  dependsOn: z.array(z.string().min(1)).default([]),
  labels: LabelSet.default({}),
});
/** One edge, with where it is known from. */
export const TopologyEdge = z.object({
  from: z.string().min(1),
  to: z.string().min(1),
  /** `file`: a person wrote it; `lab`: the orchestrator says it; `calls`: such calls were seen. */
  sources: z.array(z.enum(["file", "lab", "calls"])),
  /** When such a call was last seen; absent where none was. */
  seenAt: Timestamp.optional(),
  /** 1 while declared or fresh; falls to 0 the longer no call was seen. */
  strength: z.number().min(0).max(1),
});
export type TopologyEdge = z.output<typeof TopologyEdge>;
export const Topology = z.object({
  services: z.array(TopologyService),
  /** The same edges as in `services`, with provenance and age, where those are known. */
  edges: z.array(TopologyEdge).optional(),
});
export type Topology = z.output<typeof Topology>;

/** Something people or machines changed: a suspect. */
export const Change = z.object({
  id: z.string(),
  at: Timestamp,
  service: z.string(),
  kind: z.enum(["deployment", "configuration", "scaling", "restart"]),
  text: z.string(),
  version: z.string().optional(),
  previousVersion: z.string().optional(),
  link: z.string().optional(),
});
export type Change = z.output<typeof Change>;
