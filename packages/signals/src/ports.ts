// Ports to what the monitored systems say. Every call has a deadline and a cap; what could not be had is said in
// `partial`, never hidden and never an exception, so that one source away leaves the others standing. Only a query that cannot be a
// query is thrown.
import type { Change, EdgeStats, LogLine, Series, SignalName, SignalSeries, Span, Topology } from "@tocsin/contracts";

/** A window of time in Unix seconds, `from` inclusive, `to` exclusive. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** An answer, and in words what is missing from it; `partial` is empty when nothing is. */
export interface Answer<T> {
  readonly value: T;
  readonly partial: readonly string[];
  /** Set where this deployment has no such source: nothing failed, and nothing will come. */
  readonly notConfigured?: true;
}

export interface QueryOptions {
  /** Default 10,000 ms. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** An alerting rule as its server knows it. */
export interface RuleExpression {
  readonly expr: string;
  /** The labels that the rule itself adds. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface MetricsPort {
  /** The signals of the services over a window; a service or signal without data is absent. */
  signals(
    services: readonly string[],
    signals: readonly SignalName[],
    window: Window,
    stepSeconds: number,
    options?: QueryOptions,
  ): Promise<Answer<readonly SignalSeries[]>>;
  /** A signal now, or undefined when there is none. */
  current(service: string, signal: SignalName, options?: QueryOptions): Promise<Answer<number | undefined>>;
  /**
   * PromQL over a window.
   * @throws AppError `PROMQL_SYNTAX`, `PROMQL_UNSUPPORTED`: the query is the caller's, and no later try would answer it
   */
  queryRange(promql: string, window: Window, stepSeconds: number, options?: QueryOptions): Promise<Answer<readonly Series[]>>;
  /**
   * PromQL at an instant (Unix seconds, default now).
   * @throws AppError `PROMQL_SYNTAX`, `PROMQL_UNSUPPORTED`
   */
  query(promql: string, at?: number, options?: QueryOptions): Promise<Answer<readonly Series[]>>;
  /** Services that have metrics. */
  services(options?: QueryOptions): Promise<Answer<readonly string[]>>;
  /**
   * The expressions of the alerting rules of this name, by the rule API; absent where the server of rules is another one.
   */
  ruleExpressions?(alertName: string, options?: QueryOptions): Promise<Answer<readonly RuleExpression[]>>;
  ping(): Promise<void>;
}

/** A template as a log server mined it, over a window. */
export interface LogPattern {
  /** Variable parts are `<_>`. */
  readonly pattern: string;
  /** Unix seconds and the lines since the sample before, in ascending time. */
  readonly samples: readonly (readonly [number, number])[];
}

export interface LogsPort {
  /** The newest lines of a service in a window, at most `limit`, in ascending time. */
  lines(service: string, window: Window, limit: number, options?: QueryOptions): Promise<Answer<readonly LogLine[]>>;
  /** The newest lines that tell of a failure, where the server can pick them out: a busy service's newest lines reach back for seconds only. */
  failures?(service: string, window: Window, limit: number, options?: QueryOptions): Promise<Answer<readonly LogLine[]>>;
  /** Templates that the server has mined itself, with their counts; undefined where it has none to give. */
  patterns?(service: string, window: Window, options?: QueryOptions): Promise<Answer<readonly LogPattern[] | undefined>>;
  ping(): Promise<void>;
}

export interface TracesPort {
  /** Who called whom in the window, with counts, errors and latency. */
  edges(window: Window, options?: QueryOptions): Promise<Answer<readonly EdgeStats[]>>;
  /** Error spans and slow spans of a service, at most `limit`. */
  notable(service: string, window: Window, limit: number, options?: QueryOptions): Promise<Answer<readonly Span[]>>;
  ping(): Promise<void>;
}

export interface TopologyPort {
  current(): Promise<Topology>;
}

export interface ChangesPort {
  between(window: Window): Promise<Answer<readonly Change[]>>;
}

/** All that can be asked. */
export interface Signals {
  readonly metrics: MetricsPort;
  readonly logs: LogsPort;
  readonly traces: TracesPort;
  readonly topology: TopologyPort;
  readonly changes: ChangesPort;
}
