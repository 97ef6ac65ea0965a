// Terms. A *finding* is one thing that changed at one service, with its strength on a scale on which 1 is barely worth telling and each
// further unit doubles it. Its *family* says what kind of thing. Findings are what the ranking weighs and what evidence is made of.
import type { Change, Sample, SignalName, SignalSeries } from "@tocsin/contracts";
import { type Anomaly, type AnomalyOptions, detectAnomaly, detectDown, detectRestarts } from "./anomaly.ts";
import type { BeforeAfter, DiagnosisInput, EdgeSeries } from "./input.ts";
import { findLogChanges, findPatternChanges, type LogFinding } from "./log-evidence.ts";
import type { LookedAt } from "./rank.ts";
import { clamp } from "./robust.ts";
import { findRuleCrossings, type RuleFinding } from "./rule-evidence.ts";
import { SIGNAL_TRAITS, type SignalTraits } from "./signal-traits.ts";
import { findTraceChanges, judgedServices, judgedWires, type OperationStats, summariseSpans, type TraceFinding } from "./traces.ts";

export type Family =
  | "down"
  | "restarts"
  | "oom"
  | "cpu"
  | "memory"
  | "lag"
  | "saturation"
  | "latency"
  | "errors"
  | "load"
  | "log"
  | "blame"
  | "slow-code"
  | "failing-code"
  | "network"
  | "missing-calls"
  | "rule"
  | "change";

export interface Finding {
  readonly service: string;
  readonly family: Family;
  readonly strength: number;
  /** Unix seconds, where one is known. */
  readonly onsetAt?: number;
  /**
   * How much more there was of it in the incident than at the baseline's rate: failed requests, or seconds waited by all requests together.
   * It is what flows from callees to callers; absent where it cannot be counted.
   */
  readonly excess?: number;
  /** The other end, for what happens between two services. */
  readonly peer?: string;
  readonly source:
    | { readonly kind: "metric"; readonly series: SignalSeries; readonly anomaly: Anomaly }
    | { readonly kind: "edge"; readonly edge: EdgeChange }
    | { readonly kind: "rule"; readonly crossing: RuleFinding }
    | { readonly kind: "log"; readonly log: LogFinding }
    | { readonly kind: "trace"; readonly trace: TraceFinding }
    | { readonly kind: "change"; readonly change: Change };
}

/** An edge whose calls got slower or fail: seen by the caller, and what of it the callee does not see itself. */
interface EdgeChange {
  readonly from: string;
  readonly to: string;
  readonly what: "latency" | "errors" | "network";
  readonly before: number;
  readonly after: number;
  readonly query?: string;
}

const FAMILY_OF_SIGNAL: Readonly<Record<SignalName, Family>> = {
  up: "down",
  request_rate: "load",
  error_ratio: "errors",
  latency_p95: "latency",
  cpu: "cpu",
  memory: "memory",
  heap: "memory",
  oom_kills: "oom",
  restarts: "restarts",
  event_loop_lag: "lag",
  saturation: "saturation",
};

/** Pure: everything that changed, over all sources. */
export function findChanges(input: DiagnosisInput, services: ReadonlySet<string>, traced: Traced = tracedIn(input)): Finding[] {
  return [
    ...metricFindings(input),
    ...ruleFindings(input),
    ...edgeSeriesFindings(input),
    ...edgeStatsFindings(input),
    ...logFindings(input, services),
    ...traceFindings(traced),
    ...changeFindings(input),
  ];
}

function metricFindings(input: DiagnosisInput): Finding[] {
  const { splitAt } = input.window;
  const traffic = trafficOf(input);
  const alerting = new Set(input.members.map((member) => member.service));
  const findings: Finding[] = [];
  const loads = new Map<string, number>();
  for (const given of input.series) {
    const series = { ...given, samples: learnable(input, given.samples) };
    const seen = traffic.get(series.service);
    const known = SIGNAL_TRAITS[series.signal];
    const traits =
      series.signal === "error_ratio" && seen ? { ...known, absoluteFloor: errorFloor(seen.perSample, known.absoluteFloor) } : known;
    // An alert says that something is wrong there: less is needed to believe which signal it is.
    const options = traits.spreads === "symptom" && alerting.has(series.service) ? { threshold: ALERTED_THRESHOLD, isExpected: true } : {};
    const anomaly = anomalyOf(series, splitAt, traits, options);
    if (!anomaly) continue;
    if (series.signal === "request_rate" && anomaly.direction === "up")
      loads.set(series.service, anomaly.level / Math.max(anomaly.baseline, 0.01));
    const isAdditive = series.signal === "error_ratio" || (series.signal === "latency_p95" && series.statistic === "mean");
    // A quantile of few requests is mostly chance.
    const trust = series.signal === "latency_p95" && seen ? 1 - Math.exp(-seen.requests / REQUESTS_ENOUGH) : 1;
    const isLeak = anomaly.isTrend && series.signal === "memory";
    const strength = anomaly.strength * (isLeak ? 1.15 : 1) * trust;
    findings.push({
      service: series.service,
      family: FAMILY_OF_SIGNAL[series.signal],
      strength,
      onsetAt: anomaly.onsetAt,
      ...(isAdditive && seen ? { excess: seen.requests * (anomaly.level - anomaly.baseline) } : {}),
      source: { kind: "metric", series, anomaly },
    });
  }
  // More traffic needs more CPU: what grows no more than the traffic is no evidence against the service.
  return findings.map((finding) => {
    const load = loads.get(finding.service);
    if (finding.family !== "cpu" || finding.source.kind !== "metric" || load === undefined) return finding;
    const { level, baseline } = finding.source.anomaly;
    return level / Math.max(baseline, 0.001) < 1.3 * load ? { ...finding, strength: finding.strength * 0.3 } : finding;
  });
}

/** An alert's own expression, measured on the very service, is of the family of what it measures; of unknown metrics it is a symptom. */
function ruleFindings(input: DiagnosisInput): Finding[] {
  const rules = (input.rules ?? []).map((rule) => ({ ...rule, samples: learnable(input, rule.samples) }));
  return findRuleCrossings(rules, input.window).flatMap((crossing) => {
    const { service, signal } = crossing.rule;
    if (service === undefined || signal === "request_rate") return [];
    const family = signal === undefined ? "rule" : FAMILY_OF_SIGNAL[signal];
    return [{ service, family, strength: crossing.strength, onsetAt: crossing.onsetAt, source: { kind: "rule", crossing } } as const];
  });
}

function anomalyOf(series: SignalSeries, splitAt: number, traits: SignalTraits, options: AnomalyOptions): Anomaly | undefined {
  if (series.signal === "up") return detectDown(series.samples, splitAt);
  if (series.signal === "restarts") return detectRestarts(series.samples, splitAt);
  const anomaly = detectAnomaly(series.samples, splitAt, traits, options);
  return series.signal === "heap" && !anomaly?.isTrend ? undefined : anomaly;
}

/** Without the samples of times in which something else was wrong. */
function learnable(input: DiagnosisInput, samples: readonly Sample[]): readonly Sample[] {
  const { excluded = [], window } = input;
  if (excluded.length === 0) return samples;
  return samples.filter(([at]) => at >= window.splitAt || !excluded.some(({ from, to }) => at >= from && at < to));
}

const ALERTED_THRESHOLD = 2;

interface Traffic {
  /** Requests during the incident. */
  readonly requests: number;
  /** Requests behind one sample of a ratio. */
  readonly perSample: number;
}

/** Ratios are taken over at least a minute, whatever the step at which they are sampled. */
const RATIO_SECONDS = 60;

/** What each service got during the incident, where its rate is known. */
function trafficOf(input: DiagnosisInput): Map<string, Traffic> {
  const { splitAt, to } = input.window;
  const traffic = new Map<string, Traffic>();
  for (const { service, signal, samples } of input.series) {
    if (signal !== "request_rate") continue;
    const rates = samples.filter(([at, rate]) => at >= splitAt && Number.isFinite(rate) && rate >= 0);
    const [first, second] = rates;
    if (!first || traffic.has(service)) continue;
    const mean = rates.reduce((sum, [, rate]) => sum + rate, 0) / rates.length;
    const step = second === undefined ? to - splitAt : second[0] - first[0];
    traffic.set(service, { requests: mean * (to - splitAt), perSample: mean * Math.max(step, RATIO_SECONDS) });
  }
  return traffic;
}

/** One more failure of this many requests is chance: the deviation of a binomial share, with at least one failure expected. */
function errorFloor(perSample: number, floor: number): number {
  if (!(perSample > 0)) return floor;
  const share = Math.min(0.5, 1 / perSample);
  return Math.max(LEAST_ERROR_FLOOR, Math.sqrt((share * (1 - share)) / perSample));
}
const LEAST_ERROR_FLOOR = 0.001;

/** Enough requests for a latency to mean something. */
const REQUESTS_ENOUGH = 30;

/** Client latency that grows more than the server's own is time on the wire. */
function edgeSeriesFindings(input: DiagnosisInput): Finding[] {
  const byEdge = new Map<string, { client?: EdgeSeries; server?: EdgeSeries }>();
  for (const series of input.edgeSeries ?? []) {
    const key = `${series.from}\u0000${series.to}`;
    byEdge.set(key, { ...byEdge.get(key), [series.side]: series });
  }
  const findings: Finding[] = [];
  const { splitAt } = input.window;
  const latency = SIGNAL_TRAITS.latency_p95;
  for (const { client, server } of byEdge.values()) {
    const seen = client ?? server;
    if (!seen) continue;
    const onServer = server && detectAnomaly(learnable(input, server.samples), splitAt, latency);
    if (onServer && server) {
      const { from, to } = server;
      const edge = { from, to, what: "latency" as const, before: onServer.baseline, after: onServer.level, query: server.query };
      findings.push({
        service: to,
        family: "latency",
        strength: onServer.strength,
        onsetAt: onServer.onsetAt,
        source: { kind: "edge", edge },
      });
    }
    const onClient = client && detectAnomaly(learnable(input, client.samples), splitAt, latency);
    if (!onClient || !client) continue;
    const wire = onClient.level - onClient.baseline - (onServer ? Math.max(0, onServer.level - onServer.baseline) : 0);
    const share = wire / Math.max(onClient.level - onClient.baseline, 1e-9);
    if (share < 0.4) continue;
    const { from, to } = client;
    const edge = { from, to, what: "network" as const, before: onClient.baseline, after: onClient.level, query: client.query };
    findings.push({
      service: from,
      peer: to,
      family: "network",
      strength: onClient.strength * share,
      onsetAt: onClient.onsetAt,
      source: { kind: "edge", edge },
    });
  }
  return findings;
}

/** Edges from a service graph: the share of failed calls and the latency as the caller sees them. */
function edgeStatsFindings(input: DiagnosisInput): Finding[] {
  const before = new Map(input.edges.baseline.map((edge) => [`${edge.from}\u0000${edge.to}`, edge]));
  const findings: Finding[] = [];
  for (const now of input.edges.incident) {
    const then = before.get(`${now.from}\u0000${now.to}`);
    if (now.calls < 3) continue;
    const errorsBefore = then && then.calls > 0 ? then.errors / then.calls : 0;
    const errors = now.errors / now.calls;
    if (now.errors >= 2 && errors > Math.max(0.02, 3 * errorsBefore)) {
      const edge = { from: now.from, to: now.to, what: "errors" as const, before: errorsBefore, after: errors };
      const strength = clamp(1 + Math.log2(errors / 0.02) / 2, 0, 4);
      findings.push({ service: now.to, family: "errors", strength, source: { kind: "edge", edge } });
    }
    if (then && then.calls >= 3 && now.p95Ms > 1.5 * then.p95Ms + 5) {
      const edge = { from: now.from, to: now.to, what: "latency" as const, before: then.p95Ms / 1_000, after: now.p95Ms / 1_000 };
      const strength = clamp(Math.log2(now.p95Ms / then.p95Ms), 0, 4);
      findings.push({ service: now.to, family: "latency", strength, source: { kind: "edge", edge } });
    }
  }
  return findings;
}

function logFindings(input: DiagnosisInput, services: ReadonlySet<string>): Finding[] {
  const inLines = findLogChanges(input.logs, input.window, services, { reach: input.logReach ?? [] });
  const inPatterns = findPatternChanges(input.logPatterns ?? [], input.window, services, inLines);
  return [...inLines, ...inPatterns].map((log) => ({
    // A line that complains about another service is evidence about that one.
    service: log.blames ?? log.service,
    family: log.blames === undefined ? "log" : "blame",
    ...(log.blames === undefined ? {} : { peer: log.service }),
    strength: log.strength,
    onsetAt: log.onsetAt,
    source: { kind: "log", log },
  }));
}

const FAMILY_OF_TRACE: Readonly<Record<TraceFinding["kind"], Family>> = {
  slow: "slow-code",
  errors: "failing-code",
  network: "network",
  missing: "missing-calls",
};

/** What the traces say of each operation, before and in the incident. */
export interface Traced extends BeforeAfter<OperationStats> {
  /** Does every call count in it? Picked spans, the slow and the failed, cannot say what is missing or that a service is well. */
  readonly isComplete: boolean;
}

/** Pure: the operations that were given, or those of the spans. */
export function tracedIn(input: DiagnosisInput): Traced {
  if (input.operations) return { ...input.operations, isComplete: true };
  const { from, splitAt, to } = input.window;
  return {
    baseline: summariseSpans(input.spans.filter((span) => span.startAt >= from && span.startAt < splitAt)),
    incident: summariseSpans(input.spans.filter((span) => span.startAt >= splitAt && span.startAt < to)),
    isComplete: false,
  };
}

function traceFindings({ baseline, incident, isComplete }: Traced): Finding[] {
  return findTraceChanges(baseline, incident)
    .filter(({ kind }) => kind !== "missing" || isComplete)
    .map((trace) => ({
      // A failed call whose callee left no failed span failed at the callee's door: refused, timed out, or not reached.
      service: trace.kind === "errors" && trace.peer !== undefined ? trace.peer : trace.service,
      family: FAMILY_OF_TRACE[trace.kind],
      ...(trace.kind === "network" && trace.peer !== undefined ? { peer: trace.peer } : {}),
      strength: trace.strength,
      source: { kind: "trace", trace },
    }));
}

/** What the traces and the mesh could have shown. */
export function lookedAt(input: DiagnosisInput, { baseline, incident, isComplete }: Traced = tracedIn(input)): LookedAt {
  const meshed = (input.edgeSeries ?? []).filter(
    ({ side, samples }) => side === "client" && samples.some(([at, value]) => at >= input.window.splitAt && Number.isFinite(value)),
  );
  return {
    wires: [...judgedWires(baseline, incident), ...meshed.map(({ from, to }): [string, string] => [from, to])],
    ...(isComplete ? { selfTimes: judgedServices(baseline, incident) } : {}),
  };
}

/** How fast a change loses its interest, in seconds: half in half an hour (practice G.5). */
const CHANGE_HALF_LIFE = 1_800;
const CHANGE_STRENGTH: Readonly<Record<Change["kind"], number>> = { deployment: 3, configuration: 3, scaling: 1.5, restart: 0.5 };

function changeFindings(input: DiagnosisInput): Finding[] {
  const findings: Finding[] = [];
  for (const change of input.changes) {
    const at = Date.parse(change.at) / 1_000;
    if (!(at < input.window.to)) continue;
    const age = Math.max(0, input.window.splitAt - at);
    const strength = CHANGE_STRENGTH[change.kind] * 0.5 ** (age / CHANGE_HALF_LIFE);
    if (strength >= 0.2)
      findings.push({ service: change.service, family: "change", strength, onsetAt: at, source: { kind: "change", change } });
  }
  return findings;
}
