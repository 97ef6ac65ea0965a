// Terms. The *window* runs from `from` to `to`; what lies before `splitAt` is the baseline, the rest the incident. An *edge* points from
// the caller to the callee. A *member* is an alert of the incident.
import type { Change, EdgeStats, LogLine, Member, Sample, SignalName, SignalSeries, Span, Topology } from "@tocsin/contracts";
import type { OperationStats } from "./traces.ts";

/** Unix seconds, `from` <= `splitAt` <= `to`. */
export interface DiagnosisWindow {
  readonly from: number;
  readonly splitAt: number;
  readonly to: number;
}

/** Latency of the calls from one service to another, in seconds, as one side saw it (a mesh or service-graph metric). */
export interface EdgeSeries {
  readonly from: string;
  readonly to: string;
  readonly side: "client" | "server";
  readonly samples: readonly Sample[];
  readonly query: string;
}

/** A signal of a service over the window. */
export interface DiagnosisSeries extends SignalSeries {
  /** Set for a latency that is the mean of all requests: means add up along calls, quantiles do not. */
  readonly statistic?: "mean";
}

/** What an alert's own expression gave over the window for one set of labels, its comparison taken off. */
export interface RuleSeries {
  /** The rule's name. */
  readonly alert: string;
  /** Of the member that this series made fire; absent for a series of the same rule that no member stands for. */
  readonly fingerprint?: string;
  /** Of the member whose expression adds all services up: this is one service's part of it. */
  readonly partOf?: string;
  /** Whom its labels name. */
  readonly service?: string;
  /** What it measures, where its metrics are known. */
  readonly signal?: SignalName;
  readonly metrics: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly query: string;
  readonly threshold?: { readonly op: string; readonly value: number };
  readonly samples: readonly Sample[];
}

/** From when on the lines of a service's baseline and of its incident are complete, in Unix seconds: of many, only the newest are read. */
export interface LogReach {
  readonly service: string;
  readonly before: number;
  readonly after: number;
}

/** A template of a service with its counts, as a log server has mined it. */
export interface LogPatternCounts {
  readonly service: string;
  /** Variable parts are `<_>`. */
  readonly pattern: string;
  readonly samples: readonly (readonly [number, number])[];
}

/** What is compared: the same kind of summary over the baseline and over the incident. */
export interface BeforeAfter<T> {
  readonly baseline: readonly T[];
  readonly incident: readonly T[];
}

/** Everything a diagnosis looks at. Any part may be empty; what could not be had is named in `missing`. */
export interface DiagnosisInput {
  readonly window: DiagnosisWindow;
  readonly members: readonly Pick<Member, "fingerprint" | "name" | "service" | "severity" | "role" | "startsAt" | "annotations">[];
  readonly series: readonly DiagnosisSeries[];
  /** The alerts' own expressions. */
  readonly rules?: readonly RuleSeries[];
  readonly logs: readonly LogLine[];
  /** How far back a service's lines are all there, where they are not from the first one on. */
  readonly logReach?: readonly LogReach[];
  /** Templates that a log server counted itself: over the whole window, where the lines may be a part of it. */
  readonly logPatterns?: readonly LogPatternCounts[];
  /** Spans of the whole window; summed up into operations unless `operations` is given. */
  readonly spans: readonly Span[];
  readonly operations?: BeforeAfter<OperationStats>;
  readonly edges: BeforeAfter<EdgeStats>;
  readonly edgeSeries?: readonly EdgeSeries[];
  readonly topology: Topology;
  readonly changes: readonly Change[];
  /** Times in which something else was wrong, in Unix seconds: nothing is learned from them. */
  readonly excluded?: readonly { readonly from: number; readonly to: number }[];
  /** Sources that did not answer or only in part, in words, each beginning with its source and a colon. They make an answer less sure. */
  readonly missing: readonly string[];
  /** Sources that this deployment does not have, in words: told, and no reason for doubt. */
  readonly absent?: readonly string[];
  /** Unix seconds. */
  readonly now: number;
  /** Mints the id of a piece of evidence from what it says: equal text, equal id, so that a second run writes nothing twice. */
  readonly evidenceId: (content: string) => string;
}
