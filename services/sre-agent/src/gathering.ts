// Asking the sources. Each may fail or answer in part by itself; what is missing is said in words and the rest goes on.
import type { Change, EdgeStats, LogLine, Member, Sample, SignalName, SignalSeries, Span, Topology } from "@tocsin/contracts";
import { SignalName as SignalNames } from "@tocsin/contracts";
import {
  type BeforeAfter,
  callGraphOf,
  type DiagnosisInput,
  type DiagnosisWindow,
  estimateOnset,
  type LogPatternCounts,
  type LogReach,
  type RuleSeries,
} from "@tocsin/diagnosis";
import { messageOf, redact } from "@tocsin/runtime";
import type { Answer, Signals, Window } from "@tocsin/signals";
import { gatherRules } from "./alert-rules.ts";
import { chooseWindow, type WindowOptions } from "./window.ts";

/** What was gathered: the input of the diagnosis as JSON. A gap in a series is null there. */
export interface Gathered {
  readonly window: DiagnosisWindow;
  readonly members: DiagnosisInput["members"];
  readonly series: readonly (Omit<SignalSeries, "samples"> & { readonly samples: readonly (readonly [number, number | null])[] })[];
  /** The alerts' own expressions; absent in rounds gathered by an earlier version. */
  readonly rules?: readonly GatheredRule[];
  readonly logs: readonly LogLine[];
  readonly logReach?: readonly LogReach[];
  /** Where the log server mines patterns itself. */
  readonly logPatterns?: readonly LogPatternCounts[];
  readonly spans: readonly Span[];
  readonly edges: BeforeAfter<EdgeStats>;
  readonly topology: Topology;
  readonly changes: readonly Change[];
  readonly excluded: readonly Period[];
  readonly missing: readonly string[];
  readonly absent: readonly string[];
  readonly now: number;
}

type GatheredRule = Omit<RuleSeries, "samples"> & { readonly samples: readonly (readonly [number, number | null])[] };

/** Unix seconds. What was measured between `from` and `to` belongs to an earlier incident. */
export interface Period {
  readonly from: number;
  readonly to: number;
  /** When it was over, before its rates and ratios had settled; what is changed after that is changed for this one. Default `to`. */
  readonly overAt?: number;
}

export interface GatherOptions extends WindowOptions {
  readonly stepSeconds: number;
  readonly maxServices: number;
  readonly maxLogLines: number;
  readonly timeoutMs: number;
}

const MAX_POINTS = 360;
const MAX_SPANS = 300;
/** Services whose logs and spans are asked for: the nearest to the alerts. */
const MAX_DETAIL = 40;
/** A change up to this long before the incident may be its cause. */
const CHANGES_BACK_SECONDS = 7_200;
const MAX_MESSAGE = 2_048;
/** Log servers give no more lines at once: so many are likely not all. */
const LOG_LINES_CAP = 1_000;
/** Failures asked of a service beside its newest lines. */
const MAX_FAILURES = 500;
const NO_LINES: readonly LogLine[] = [];
const NOTHING = { value: [], partial: [] as readonly string[] };

/** Gathers everything about an incident that its members point at. Never throws for a source. */
export async function gatherSignals(
  signals: Signals,
  members: readonly Member[],
  nowSeconds: number,
  options: GatherOptions,
  earlier: readonly Period[] = [],
  abort?: AbortSignal,
): Promise<Gathered> {
  const missing = new Map<string, Set<string>>();
  const absent = new Set<string>();
  /** By source and reason: of whom it was asked. A source that is away says so once, not once for each service. */
  function note(source: string, reason: string, of: string | undefined): void {
    const key = `${source}: ${reason}`;
    const asked = missing.get(key) ?? new Set<string>();
    missing.set(key, asked);
    if (of !== undefined) asked.add(of);
  }
  const query = { deadlineMs: options.timeoutMs, ...(abort === undefined ? {} : { signal: abort }) };
  async function ask<T>(source: string, call: () => Promise<Answer<T>>, empty: T, of?: string): Promise<T> {
    try {
      const { value, partial, notConfigured } = await call();
      if (notConfigured) absent.add(`${source}: not configured`);
      else for (const each of partial) note(source, each, of);
      return value;
    } catch (error) {
      note(source, messageOf(error), of);
      return empty;
    }
  }

  const firstAlertAt = Math.min(...members.map((member) => Date.parse(member.startsAt) / 1_000), nowSeconds);
  const wide = chooseWindow(firstAlertAt, nowSeconds, options);
  const [topology, known] = await Promise.all([
    ask("topology", async () => ({ value: await signals.topology.current(), partial: [] }), { services: [] } as Topology),
    ask("metrics", () => signals.metrics.services(query), [] as readonly string[]),
  ]);
  const services = nearest(topology, known, members, options.maxServices);
  const step = Math.max(options.stepSeconds, Math.ceil((wide.to - wide.from) / MAX_POINTS));
  const to = wide.to + 1;

  const widest = { from: wide.from, to };
  const [series, rules] = await Promise.all([
    ask(
      "metrics",
      () => signals.metrics.signals(services, SignalNames.options as readonly SignalName[], widest, step, query),
      [] as readonly SignalSeries[],
    ),
    gatherRules(members, { metrics: signals.metrics, window: widest, stepSeconds: step, query, ask, tell: (text) => absent.add(text) }),
  ]);
  const alerting = alertingServices(members);
  const oldestSampleAt = oldestOf(series);
  const excluded = worthExcluding(earlier, Math.max(wide.from, oldestSampleAt ?? wide.from), wide.splitAt);
  const onsetAt = estimateOnset(learnable(series, excluded), alerting, wide.from, firstAlertAt);
  const facts = {
    ...(oldestSampleAt === undefined ? {} : { oldestSampleAt }),
    ...(onsetAt === undefined ? {} : { onsetAt }),
    ...(earlier.length === 0 ? {} : { earlierUntil: Math.max(...earlier.map((period) => period.to)) }),
  };
  const window = { ...chooseWindow(firstAlertAt, nowSeconds, options, facts), to };
  const before = { from: window.from, to: window.splitAt };
  const after = { from: window.splitAt, to };
  const detail = services.slice(0, MAX_DETAIL);
  const logReach: LogReach[] = [];
  const [logs, logPatterns, spans, baselineEdges, incidentEdges, changes] = await Promise.all([
    each(detail, async (service) => {
      const { logs: port } = signals;
      const lines = (part: Window) => ask("logs", () => port.lines(service, part, options.maxLogLines, query), NO_LINES, service);
      const failures = (part: Window) =>
        ask("logs", async () => (await port.failures?.(service, part, MAX_FAILURES, query)) ?? NOTHING, NO_LINES, service);
      // The newest lines of a busy service are all of the incident: each part is asked for itself, or there is nothing to compare with.
      const [linesBefore, failuresBefore, linesAfter, failuresAfter] = await Promise.all([
        lines(before),
        failures(before),
        lines(after),
        failures(after),
      ]);
      const [firstBefore, firstAfter] = [linesBefore[0]?.at, linesAfter[0]?.at];
      if (firstBefore !== undefined || firstAfter !== undefined) {
        const isCut = linesAfter.length >= Math.min(options.maxLogLines, LOG_LINES_CAP);
        logReach.push({
          service,
          before: firstBefore ?? window.from,
          after: isCut ? (firstAfter ?? window.splitAt) : window.splitAt,
        });
      }
      return mergedLines([linesBefore, failuresBefore, linesAfter, failuresAfter]);
    }),
    each(detail, async (service) => {
      const asked = async () => (await signals.logs.patterns?.(service, { from: window.from, to }, query)) ?? NOTHING;
      const found = await ask("logs", asked, undefined, service);
      return (found ?? []).map((pattern) => ({ service, ...pattern }));
    }),
    each(detail, async (service) => [
      ...(await ask("traces", () => signals.traces.notable(service, before, MAX_SPANS, query), [] as readonly Span[], service)),
      ...(await ask("traces", () => signals.traces.notable(service, after, MAX_SPANS, query), [] as readonly Span[], service)),
    ]),
    ask("traces", () => signals.traces.edges(before, query), [] as readonly EdgeStats[]),
    ask("traces", () => signals.traces.edges(after, query), [] as readonly EdgeStats[]),
    ask("changes", () => signals.changes.between({ from: window.splitAt - CHANGES_BACK_SECONDS, to }), [] as readonly Change[]),
  ]);
  return {
    window,
    members: members.map(({ fingerprint, name, service, severity, role, startsAt, annotations }) => ({
      fingerprint,
      name,
      ...(service === undefined ? {} : { service }),
      severity,
      role,
      startsAt,
      annotations,
    })),
    series: series.map((one) => ({
      ...one,
      samples: withoutNaN(one.samples),
    })),
    rules: rules.map((rule) => ({ ...rule, samples: withoutNaN(rule.samples) })),
    logs: logs.map((line) => (line.message.length > MAX_MESSAGE ? { ...line, message: line.message.slice(0, MAX_MESSAGE) } : line)),
    // In the order of asking, which is that of answers only by chance.
    logReach: logReach.sort((a, b) => (a.service < b.service ? -1 : 1)),
    logPatterns,
    spans,
    edges: { baseline: baselineEdges, incident: incidentEdges },
    topology,
    // What was changed during an earlier incident caused it or fixed it.
    changes: changes
      .filter((change) => !wasMadeDuring(Date.parse(change.at) / 1_000, earlier))
      // A title of a commit may hold what should never have been committed.
      .map((change) => ({ ...change, text: redact(change.text) })),
    excluded,
    missing: [...missing].map(([what, of]) => (of.size === 0 ? what : `${what} (${[...of].sort().join(", ")})`)).sort(),
    absent: [...absent].sort(),
    now: nowSeconds,
  };
}

/** JSON has no NaN: a gap is null. */
const withoutNaN = (samples: readonly Sample[]): (readonly [number, number | null])[] =>
  samples.map(([at, value]) => [at, Number.isFinite(value) ? value : null] as const);

const withNaN = (samples: readonly (readonly [number, number | null])[]): Sample[] =>
  samples.map(([at, value]) => [at, value ?? Number.NaN] as const);

/** Several answers about one service's lines as one, in order of time. A line that two of them hold counts once, as often as one holds it. */
function mergedLines(parts: readonly (readonly LogLine[])[]): LogLine[] {
  const counts = new Map<string, number>();
  const merged: LogLine[] = [];
  for (const part of parts) {
    const own = new Map<string, number>();
    for (const line of part) {
      const key = `${line.at}\u0000${line.message}`;
      const count = (own.get(key) ?? 0) + 1;
      own.set(key, count);
      if (count <= (counts.get(key) ?? 0)) continue;
      counts.set(key, count);
      merged.push(line);
    }
  }
  return merged.sort((a, b) => a.at - b.at);
}

/** A baseline shorter than this, in seconds, is worse than one with an earlier incident in it. */
const LEAST_LEARNED = 90;

/** Pure: the earlier incidents' times, unless hardly any baseline would be left without them. */
export function worthExcluding(earlier: readonly Period[], from: number, splitAt: number): readonly Period[] {
  let left = splitAt - from;
  let until = from;
  for (const period of earlier.toSorted((a, b) => a.from - b.from)) {
    const begins = Math.max(period.from, until);
    const ends = Math.min(period.to, splitAt);
    if (ends <= begins) continue;
    left -= ends - begins;
    until = ends;
  }
  return left >= LEAST_LEARNED ? earlier : [];
}

const isWithin = (at: number, periods: readonly Period[]): boolean => periods.some(({ from, to }) => at >= from && at < to);

const wasMadeDuring = (at: number, periods: readonly Period[]): boolean =>
  periods.some(({ from, to, overAt = to }) => at >= from && at < overAt);

const learnable = (series: readonly SignalSeries[], excluded: readonly Period[]): readonly SignalSeries[] =>
  excluded.length === 0 ? series : series.map((one) => ({ ...one, samples: one.samples.filter(([at]) => !isWithin(at, excluded)) }));

const alertingServices = (members: readonly Member[]): Set<string> =>
  new Set(members.flatMap((member) => (member.service === undefined ? [] : [member.service])));

/** A few at a time, so that a source is not flooded; in the order of the list. */
async function each<T>(list: readonly string[], call: (item: string) => Promise<readonly T[]>): Promise<T[]> {
  const found: (readonly T[])[] = new Array(list.length);
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < list.length; index = next++) found[index] = await call(list[index] as string);
  };
  await Promise.all(Array.from({ length: 6 }, worker));
  return found.flat();
}

/** The services that alert, then those they depend on and those that call them, then the rest; by name within each. */
function nearest(topology: Topology, known: readonly string[], members: readonly Member[], limit: number): string[] {
  const alerting = [...alertingServices(members)].sort();
  const graph = callGraphOf(topology, [], [...known, ...alerting]);
  const distance = new Map<string, number>();
  for (const service of alerting) {
    distance.set(service, 0);
    for (const direction of ["callees", "callers"] as const) {
      for (const { service: other, hops } of graph.reach(service, direction)) {
        distance.set(other, Math.min(distance.get(other) ?? Number.POSITIVE_INFINITY, direction === "callees" ? hops : hops + 0.5));
      }
    }
  }
  const far = (service: string) => distance.get(service) ?? 99;
  return [...graph.services].sort((a, b) => far(a) - far(b) || (a < b ? -1 : 1)).slice(0, limit);
}

function oldestOf(series: readonly SignalSeries[]): number | undefined {
  let oldest: number | undefined;
  for (const { samples } of series) {
    const first = samples.find(([, value]) => Number.isFinite(value));
    if (first && (oldest === undefined || first[0] < oldest)) oldest = first[0];
  }
  return oldest;
}

/** Back from JSON: a null is a gap. */
export const diagnosisInputOf = (gathered: Gathered, evidenceId: (content: string) => string): DiagnosisInput => ({
  ...gathered,
  series: gathered.series.map((one) => ({ ...one, samples: withNaN(one.samples) })),
  rules: (gathered.rules ?? []).map((rule) => ({ ...rule, samples: withNaN(rule.samples) })),
  evidenceId,
});
