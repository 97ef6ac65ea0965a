// Terms. An *operation* is a span name of a service. Its *self time* is the duration less the time covered by its children. The *peer* is
// the service that a client span waits for: then the self time is what the network and the peer's queue took. The *origin* of an error
// is a failed span none of whose children failed.
import type { Span } from "@tocsin/contracts";
import { ascending, clamp, quantileOfSorted } from "./robust.ts";

/** One operation over one period. Computed from spans, or given by a source that keeps summaries. */
export interface OperationStats {
  readonly service: string;
  readonly name: string;
  /** The service of the parent span; equal to `service` inside it; absent for entry points. */
  readonly parent?: string;
  readonly peer?: string;
  /** Whom the span says it called, when that service left no span of the call: it never answered, or its span was not read. */
  readonly callee?: string;
  readonly calls: number;
  /** Failed spans that are the origin of their error. */
  readonly errorOrigins: number;
  readonly selfP50Ms: number;
  readonly selfP90Ms: number;
}

/** Pure: sums spans up by operation. Clocks of different services may disagree: only durations and overlaps within a parent count. */
export function summariseSpans(spans: readonly Span[]): OperationStats[] {
  const byId = new Map<string, Span>();
  for (const span of spans) byId.set(span.spanId, span);
  const children = new Map<string, Span[]>();
  for (const span of spans) {
    if (span.parentSpanId === undefined || span.parentSpanId === span.spanId) continue;
    const siblings = children.get(span.parentSpanId);
    if (siblings) siblings.push(span);
    else children.set(span.parentSpanId, [span]);
  }
  const groups = new Map<string, { stats: OperationStats; self: number[]; errorOrigins: number }>();
  for (const span of byId.values()) {
    if (!Number.isFinite(span.durationMs)) continue;
    const below = children.get(span.spanId) ?? [];
    const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId)?.service;
    const peer = below.find((child) => child.service !== span.service)?.service;
    const callee = peer === undefined && span.peer !== undefined && span.peer !== span.service ? span.peer : undefined;
    const key = `${span.service}\u0000${span.name}\u0000${parent ?? ""}\u0000${peer ?? ""}\u0000${callee ?? ""}`;
    let group = groups.get(key);
    if (!group) {
      const stats = { service: span.service, name: span.name, calls: 0, errorOrigins: 0, selfP50Ms: 0, selfP90Ms: 0 };
      group = {
        stats: {
          ...stats,
          ...(parent === undefined ? {} : { parent }),
          ...(peer === undefined ? {} : { peer }),
          ...(callee === undefined ? {} : { callee }),
        },
        self: [],
        errorOrigins: 0,
      };
      groups.set(key, group);
    }
    group.self.push(selfTime(span, below));
    if (span.error && !below.some((child) => child.error)) group.errorOrigins++;
  }
  return [...groups.values()].map(({ stats, self, errorOrigins }) => {
    const sorted = ascending(self);
    return {
      ...stats,
      calls: self.length,
      errorOrigins,
      selfP50Ms: quantileOfSorted(sorted, 0.5),
      selfP90Ms: quantileOfSorted(sorted, 0.9),
    };
  });
}

/** Milliseconds of a span that no child covers. A child is taken as no longer than its parent, since clocks may be skewed. */
function selfTime(span: Span, children: readonly Span[]): number {
  if (children.length === 0) return span.durationMs;
  if (children.length === 1) return Math.max(0, span.durationMs - Math.min(span.durationMs, (children[0] as Span).durationMs));
  const intervals = children
    .map((child) => [child.startAt * 1_000, child.startAt * 1_000 + child.durationMs] as const)
    .sort((a, b) => a[0] - b[0]);
  let covered = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const [from, to] of intervals) {
    if (to <= until) continue;
    covered += to - Math.max(from, until);
    until = to;
  }
  return Math.max(0, span.durationMs - covered);
}

/** How an operation changed. */
export interface TraceFinding {
  readonly service: string;
  /** Set for what lies between two services: the time that a call spends on neither side, or calls that are no longer made. */
  readonly peer?: string;
  readonly kind: "slow" | "errors" | "network" | "missing";
  readonly operation: string;
  readonly before: number;
  readonly after: number;
  readonly strength: number;
}

const MIN_CALLS = 3;
/** A quantile of few calls is mostly chance. */
const CALLS_ENOUGH = 5;
/** Deviations of a Poisson count below which calls are not missing. */
const MISSING_DEVIATIONS = 4;

const keyOf = (stats: OperationStats): string =>
  `${stats.service}\u0000${stats.name}\u0000${stats.parent ?? ""}\u0000${stats.peer ?? ""}\u0000${stats.callee ?? ""}`;
const isWire = (stats: OperationStats): stats is OperationStats & { readonly peer: string } =>
  stats.peer !== undefined && stats.peer !== stats.service;

/** Pure: operations that got slower by themselves, that fail by themselves, whose wire got slower, or that are no longer reached. */
export function findTraceChanges(before: readonly OperationStats[], after: readonly OperationStats[]): TraceFinding[] {
  const baseline = new Map(before.map((stats) => [keyOf(stats), stats]));
  const findings: TraceFinding[] = [];
  const slow: { readonly finding: TraceFinding; readonly excessMs: number }[] = [];
  let most = 0;
  for (const now of after) {
    const then = baseline.get(keyOf(now));
    const errors = errorChange(then, now);
    if (errors) findings.push(errors);
    if (!then || then.calls < MIN_CALLS || now.calls < MIN_CALLS) continue;
    const found = slowChange(then, now);
    if (!found) continue;
    slow.push(found);
    most = Math.max(most, found.excessMs);
  }
  // Time is what requests wait for: an operation that adds a hundredth of what another adds explains next to nothing, however it multiplied.
  for (const { finding, excessMs } of slow) findings.push({ ...finding, strength: finding.strength * Math.sqrt(excessMs / most) });
  findings.push(...missingChanges(before, after));
  return findings;
}

/** Pairs of services, caller first, whose wire can be judged: seen often enough before and after. */
export function judgedWires(before: readonly OperationStats[], after: readonly OperationStats[]): [string, string][] {
  const known = new Set(before.filter((stats) => stats.calls >= MIN_CALLS).map(keyOf));
  return after.flatMap((now): [string, string][] =>
    isWire(now) && now.calls >= MIN_CALLS && known.has(keyOf(now)) ? [[now.service, now.peer]] : [],
  );
}

/** Services whose own time can be judged: at least one operation seen often enough before and after. */
export function judgedServices(before: readonly OperationStats[], after: readonly OperationStats[]): Set<string> {
  const known = new Set(before.filter((stats) => stats.calls >= MIN_CALLS).map(keyOf));
  return new Set(after.filter((now) => now.calls >= MIN_CALLS && known.has(keyOf(now))).map((now) => now.service));
}

function slowChange(then: OperationStats, now: OperationStats): { finding: TraceFinding; excessMs: number } | undefined {
  // It waited for somebody who is not seen: that is no time of its own, and not known to be the wire's.
  if (now.callee !== undefined) return undefined;
  const middle = (now.selfP50Ms - then.selfP50Ms) / Math.max(0.25 * then.selfP50Ms, 0.5 * (then.selfP90Ms - then.selfP50Ms), 1);
  const upper = (now.selfP90Ms - then.selfP90Ms) / Math.max(0.5 * then.selfP90Ms, 2);
  const deviation = Math.max(middle, upper);
  if (!(deviation >= 2)) return undefined;
  const useUpper = upper > middle;
  const finding: TraceFinding = {
    service: now.service,
    ...(isWire(now) ? { peer: now.peer } : {}),
    kind: isWire(now) ? "network" : "slow",
    operation: now.name,
    before: useUpper ? then.selfP90Ms : then.selfP50Ms,
    after: useUpper ? now.selfP90Ms : now.selfP50Ms,
    strength: clamp(Math.log2(deviation), 0, 6) * (1 - Math.exp(-now.calls / CALLS_ENOUGH)),
  };
  // Half of the calls take the median and more, a tenth what lies above the 90 % quantile.
  const excessMs = now.calls * (0.9 * Math.max(0, now.selfP50Ms - then.selfP50Ms) + 0.1 * Math.max(0, now.selfP90Ms - then.selfP90Ms));
  return { finding, excessMs };
}

function errorChange(then: OperationStats | undefined, now: OperationStats): TraceFinding | undefined {
  const rateBefore = then && then.calls > 0 ? then.errorOrigins / then.calls : 0;
  const rate = now.errorOrigins / now.calls;
  if (now.errorOrigins < 2 || rate < 0.02 || rate < 3 * rateBefore) return undefined;
  return {
    service: now.service,
    ...(isWire(now) ? { peer: now.peer } : now.callee === undefined ? {} : { peer: now.callee }),
    kind: "errors",
    operation: now.name,
    before: rateBefore,
    after: rate,
    strength: clamp(Math.log2(1 + now.errorOrigins) / 1.5 + 2 * rate, 0, 5),
  };
}

/** Calls from a service to an operation, for each request that the calling service got: a fall says that its code stopped short. */
function missingChanges(before: readonly OperationStats[], after: readonly OperationStats[]): TraceFinding[] {
  const inbound = (list: readonly OperationStats[]) => {
    const sums = new Map<string, number>();
    for (const stats of list) if (stats.parent !== stats.service) sums.set(stats.service, (sums.get(stats.service) ?? 0) + stats.calls);
    return sums;
  };
  const inboundBefore = inbound(before);
  const inboundAfter = inbound(after);
  const now = new Map(after.map((stats) => [keyOf(stats), stats]));
  const findings: TraceFinding[] = [];
  for (const then of before) {
    if (then.parent === undefined) continue;
    const requestsBefore = inboundBefore.get(then.parent) ?? 0;
    const requests = inboundAfter.get(then.parent) ?? 0;
    if (requestsBefore < 10 || requests < 10) continue;
    const expected = (then.calls / requestsBefore) * requests;
    const seen = now.get(keyOf(then))?.calls ?? 0;
    if (expected < 8 || seen > 0.5 * expected || expected - seen < MISSING_DEVIATIONS * Math.sqrt(expected)) continue;
    findings.push({
      service: then.parent,
      ...(then.parent === then.service ? {} : { peer: then.service }),
      kind: "missing",
      operation: then.name,
      before: Math.round(expected),
      after: seen,
      strength: clamp((Math.log2(expected) / 2) * (1 - seen / expected), 0, 4),
    });
  }
  return findings;
}
