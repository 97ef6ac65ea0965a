// Terms. A *symptom* (slow, failing, saturated) spreads from the callee to its callers; *own* evidence (CPU, memory, restarts, down, its
// own code's time and errors) does not. What an ill callee explains of a caller's symptom is *explained*, the rest is the *residual*. The
// *core* of a service is its own evidence and its residuals; its *coverage* says how many of the incident's alerts it can explain.
//
// The root is the service whose core is large and whose coverage is wide. A loud service whose symptoms a callee explains has a small core.
import type { CauseKind } from "@tocsin/contracts";
import type { CallGraph } from "./call-graph.ts";
import type { Family, Finding } from "./findings.ts";
import { clamp } from "./robust.ts";

/** The numbers of the model: one set for every system it is used on. */
export interface RankingWeights {
  /** What one unit of strength counts, by family. */
  readonly family: Readonly<Record<Family, number>>;
  /** How much of a symptom a callee can explain at most. */
  readonly explained: number;
  /** What each further hop takes from the explanation. */
  readonly decay: number;
  /** The share of the core that stays when the service explains none of the alerts. */
  readonly uncovered: number;
  /** What the explained symptoms of callers add. */
  readonly impact: number;
}

export const RANKING_WEIGHTS: RankingWeights = {
  family: {
    down: 1.5,
    restarts: 1.3,
    oom: 1.4,
    cpu: 1,
    memory: 1,
    lag: 0.5,
    saturation: 0.4,
    latency: 1,
    errors: 1,
    load: 0,
    log: 0.7,
    blame: 0.6,
    "slow-code": 0.8,
    "failing-code": 1,
    network: 1.2,
    "missing-calls": 0.8,
    rule: 0.8,
    change: 0.6,
  },
  explained: 0.92,
  decay: 0.85,
  uncovered: 0.1,
  impact: 0.4,
};

/** What was looked at and could have shown something, whether it did or not: silence there is evidence, too. */
export interface LookedAt {
  /** Pairs of services, caller first, whose wire was looked at. */
  readonly wires?: readonly (readonly [string, string])[];
  /** Services whose own time per request is known from traces. */
  readonly selfTimes?: ReadonlySet<string>;
}

/** One line of the sum that makes a score. */
export interface Contribution {
  readonly family: Family;
  readonly points: number;
  readonly findings: readonly Finding[];
  /** For a symptom: which share a callee explains, and which one. */
  readonly explainedBy?: { readonly service: string; readonly share: number };
}

export interface RankedService {
  readonly service: string;
  readonly kind: CauseKind;
  readonly score: number;
  readonly core: number;
  readonly coverage: number;
  readonly contributions: readonly Contribution[];
  /** Callers whose symptoms this service explains. */
  readonly explains: readonly string[];
  /** Unix seconds of its earliest finding. */
  readonly onsetAt: number | undefined;
}

/** Counts of both ends are estimates from samples: this much too few still explains all. */
const FLOW_SLACK = 1.3;
/** What is left of a latency that its service's own traces do not confirm, and from which share of its strength they do. */
const CONTRADICTED = 0.3;
const TRACE_SHARE = 0.4;
/** What an alert counts whose service shows nothing: its place in the graph alone is weak evidence. */
const UNSEEN = 0.25;
const SYMPTOMS: ReadonlySet<Family> = new Set(["latency", "errors", "saturation", "slow-code", "rule"]);

/**
 * How well an ill callee's finding explains a caller's symptom: below 1 it explains at most that share, however strong it is; above 1 it
 * explains more than its strength says.
 */
const EXPLAINS: Readonly<Partial<Record<Family, Readonly<Partial<Record<Family, number>>>>>> = {
  latency: {
    latency: 1,
    down: 1.2,
    cpu: 0.7,
    memory: 0.7,
    lag: 0.7,
    saturation: 0.4,
    "slow-code": 1,
    network: 1,
    restarts: 0.7,
    oom: 0.7,
    errors: 0.3,
    blame: 0.8,
  },
  errors: { errors: 1, down: 1.5, restarts: 1, oom: 1, "failing-code": 1.2, latency: 0.5, network: 0.5, blame: 1, lag: 0.3 },
  // Its own time may hide a wait that nobody instrumented.
  "slow-code": { "slow-code": 0.6, network: 0.6, latency: 0.6, down: 0.6 },
  // A rule over metrics that nobody knows the meaning of: whatever ails a callee may be behind it.
  rule: { latency: 0.7, errors: 0.7, down: 0.9, restarts: 0.7, oom: 0.7, "failing-code": 0.7, network: 0.7, rule: 0.7, blame: 0.7 },
  saturation: { latency: 1, down: 1.2, "slow-code": 1, network: 1, lag: 0.5, blame: 0.8 },
};

/**
 * The strength of a family at a service: the strongest finding, a little more when several agree. Wires are different things that went wrong
 * together, so they add up as squares do.
 */
const combined = (findings: readonly Finding[]): number => {
  let strongest = 0;
  let squares = 0;
  for (const { strength } of findings) {
    strongest = Math.max(strongest, strength);
    squares += strength * strength;
  }
  if (findings[0]?.family === "network") return Math.sqrt(squares);
  return strongest * (1 + 0.1 * Math.log2(Math.max(1, Math.min(8, findings.length))));
};

/**
 * Pure: services by how likely each is the root, best first; equal scores by name. Services without a finding are left out.
 *
 * @param alerting the services of the incident's members; empty when no alert names one
 */
export function rankServices(
  findings: readonly Finding[],
  graph: CallGraph,
  alerting: readonly string[],
  looked: LookedAt = {},
  weights: RankingWeights = RANKING_WEIGHTS,
): RankedService[] {
  const byService = groupByFamily(findings);
  spreadNetwork(findings, looked.wires ?? [], byService);
  const strengthOf = (service: string, family: Family) => combined(byService.get(service)?.get(family) ?? []);

  const excessOf = (service: string, family: Family): number | undefined => {
    const counts = (byService.get(service)?.get(family) ?? []).flatMap((each) => (each.excess === undefined ? [] : [each.excess]));
    return counts.length === 0 ? undefined : Math.max(...counts);
  };

  /** What failed or was waited for at the caller cannot come from a callee that failed less. 1 where it cannot be counted. */
  function flowShare(caller: string, callee: string, family: Family): number {
    const below = excessOf(callee, family);
    const above = excessOf(caller, family);
    return below === undefined || above === undefined || above <= 0 ? 1 : clamp((below / above) * FLOW_SLACK, 0, 1);
  }

  /** Which share of a caller's symptom of some strength the findings of a callee explain, 0 to 1. */
  function shareOf(caller: string, callee: string, hops: number, symptom: Family, strength: number): number {
    let share = 0;
    for (const [family, fit] of Object.entries(EXPLAINS[symptom] ?? {})) {
      const support = strengthOf(callee, family as Family) * Math.max(1, fit) * weights.decay ** (hops - 1);
      const flow = family === symptom ? flowShare(caller, callee, symptom) : 1;
      share = Math.max(share, Math.min(1, fit) * clamp(support / strength, 0, 1) * flow);
    }
    return share;
  }

  /** The callees that explain a symptom best; several when they do so about equally well, for then neither is to get all the credit. */
  function explanations(service: string, symptom: Family, strength: number): { service: string; share: number }[] {
    const found: { service: string; share: number }[] = [];
    for (const { service: callee, hops } of graph.reach(service, "callees")) {
      const share = shareOf(service, callee, hops, symptom, strength) * weights.explained;
      if (share > 0.15) found.push({ service: callee, share });
    }
    const best = found.reduce((most, each) => Math.max(most, each.share), 0);
    return found.filter((each) => each.share >= 0.95 * best).sort((a, b) => b.share - a.share || (a.service < b.service ? -1 : 1));
  }

  /** How much of the symptoms of a caller the findings of one callee explain, by strength; undefined when it shows none. */
  function symptomShare(caller: string, callee: string, hops: number): number | undefined {
    let shown = 0;
    let told = 0;
    for (const family of SYMPTOMS) {
      const strength = strengthOf(caller, family);
      if (strength === 0) continue;
      shown += strength;
      told += strength * shareOf(caller, callee, hops, family, strength);
    }
    return shown === 0 ? undefined : told / shown;
  }

  /** Is it slow in its metrics, though its traces show no time of its own for that? Then it waits for somebody, known or not. */
  const isContradicted = (service: string, strength: number): boolean =>
    looked.selfTimes?.has(service) === true &&
    Math.max(strengthOf(service, "slow-code"), strengthOf(service, "network")) < TRACE_SHARE * strength;

  const explainedBy = new Map<string, { caller: string; points: number }[]>();
  const partial: { service: string; contributions: Contribution[]; core: number }[] = [];
  for (const [service, families] of byService) {
    const contributions: Contribution[] = [];
    for (const [family, list] of families) {
      if (family === "change") continue;
      const strength = combined(list);
      const full = weights.family[family] * strength;
      const whys = SYMPTOMS.has(family) ? explanations(service, family, strength) : [];
      const why = whys[0];
      const doubt = family === "latency" && isContradicted(service, strength) ? CONTRADICTED : 1;
      const points = full * (1 - (why?.share ?? 0)) * doubt;
      for (const each of whys) {
        const told = explainedBy.get(each.service) ?? [];
        told.push({ caller: service, points: full - points });
        explainedBy.set(each.service, told);
      }
      if (full > 0) contributions.push({ family, points, findings: list, ...(why ? { explainedBy: why } : {}) });
    }
    let core = contributions.reduce((sum, each) => sum + each.points, 0);
    const changes = families.get("change");
    if (changes && contributions.length === 0) {
      // Nothing is known to be wrong there, perhaps because nobody measures it. It is told as a suspect, below what names a cause.
      const points = Math.min(weights.family.change * combined(changes), MERELY_CHANGED);
      partial.push({ service, contributions: [{ family: "change", points, findings: changes }], core: points });
      continue;
    }
    // A change alone breaks nothing: it counts as far as something else is wrong with the service.
    if (changes && core > 0.5) {
      const points = Math.min(weights.family.change * combined(changes), 0.5 * core);
      contributions.push({ family: "change", points, findings: changes });
      core += points;
    }
    partial.push({ service, contributions, core });
  }

  return partial
    .map(({ service, contributions, core }) => {
      const told = explainedBy.get(service) ?? [];
      const coverage = isMerely(contributions)
        ? nearnessOf(service, alerting, graph, weights.decay)
        : coverageOf(service, alerting, graph, (from, hops) => symptomShare(from, service, hops));
      const impact = weights.impact * told.reduce((sum, each) => sum + each.points, 0) * Math.min(1, core);
      return {
        service,
        kind: kindOf(contributions),
        score: (core + impact) * (weights.uncovered + (1 - weights.uncovered) * coverage),
        core,
        coverage,
        contributions: contributions.toSorted((a, b) => b.points - a.points || (a.family < b.family ? -1 : 1)),
        explains: [...new Set(told.map((each) => each.caller))].sort(),
        onsetAt: earliest(contributions),
      };
    })
    .filter((each) => each.score > 0)
    .sort((a, b) => b.score - a.score || (a.service < b.service ? -1 : 1));
}

/** Most that a change counts for at a service at which nothing else stands out: less than any cause needs. */
const MERELY_CHANGED = 0.6;
const isMerely = (contributions: readonly Contribution[]): boolean => contributions.every(({ family }) => family === "change");

/** Is a change all that speaks against it? Then it is a suspect to look at, and no rival of one that is ill. */
export const isMerelyChanged = ({ contributions }: Pick<RankedService, "contributions">): boolean => isMerely(contributions);

/** How near a changed service is to the alerts, along the calls that lead to it: 1 at an alerting service, less with each hop, 0 off the path. */
function nearnessOf(service: string, alerting: readonly string[], graph: CallGraph, decay: number): number {
  const known = alerting.filter((each) => graph.services.has(each));
  if (known.length === 0) return 0;
  return known.reduce((sum, each) => sum + decay ** (graph.hops(each, service) ?? Number.POSITIVE_INFINITY), 0) / known.length;
}

function groupByFamily(findings: readonly Finding[]): Map<string, Map<Family, Finding[]>> {
  const byService = new Map<string, Map<Family, Finding[]>>();
  for (const finding of findings) {
    // What happens on the wire belongs to neither end until both have been looked at.
    if (finding.family === "network" && finding.peer !== undefined) continue;
    put(byService, finding.service, finding.family, finding);
  }
  return byService;
}

function put(byService: Map<string, Map<Family, Finding[]>>, service: string, family: Family, finding: Finding): void {
  let families = byService.get(service);
  if (!families) {
    families = new Map();
    byService.set(service, families);
  }
  const list = families.get(family);
  if (list) list.push(finding);
  else families.set(family, [finding]);
}

/**
 * A slow wire is blamed on the end whose other wires are slow as well: a service with one slow wire among many is a witness, a service all
 * of whose calls in (or all of whose calls out) are slow is the cause. Each end gets the strength times the share of its wires on that side
 * that are slow, by strength.
 */
function spreadNetwork(
  findings: readonly Finding[],
  looked: readonly (readonly [string, string])[],
  byService: Map<string, Map<Family, Finding[]>>,
): void {
  /** By service and side: the wires that were looked at, and what was found on them. */
  const sides = new Map<string, { readonly wires: Set<string>; readonly slow: Map<string, Finding> }>();
  const sideOf = (service: string, side: "in" | "out") => {
    const key = `${service}\u0000${side}`;
    const known = sides.get(key) ?? { wires: new Set<string>(), slow: new Map<string, Finding>() };
    sides.set(key, known);
    return known;
  };
  for (const [from, to] of looked) {
    sideOf(from, "out").wires.add(to);
    sideOf(to, "in").wires.add(from);
  }
  for (const finding of findings) {
    const { service: from, peer: to } = finding;
    if (finding.family !== "network" || to === undefined) continue;
    for (const [side, other] of [[sideOf(from, "out"), to] as const, [sideOf(to, "in"), from] as const]) {
      side.wires.add(other);
      const known = side.slow.get(other);
      if (!known || finding.strength > known.strength) side.slow.set(other, finding);
    }
  }
  for (const [key, { wires, slow }] of sides) {
    const service = key.split("\u0000")[0] as string;
    let most = 0;
    let sum = 0;
    for (const { strength } of slow.values()) {
      most = Math.max(most, strength);
      sum += strength;
    }
    if (most === 0) continue;
    const share = sum / (wires.size * most);
    for (const finding of slow.values()) put(byService, service, "network", { ...finding, strength: finding.strength * share });
  }
}

/**
 * How much of the alerts a service can explain: those on itself wholly, those on its callers as far as its findings explain the symptoms
 * that they show. An alert whose service shows no symptom in any signal counts half of what its place in the graph would give. 1 when no
 * alert names a known service.
 */
function coverageOf(
  service: string,
  alerting: readonly string[],
  graph: CallGraph,
  symptomShare: (from: string, hops: number) => number | undefined,
): number {
  const known = alerting.filter((each) => graph.services.has(each));
  if (known.length === 0) return 1;
  let sum = 0;
  for (const each of known) {
    const hops = graph.hops(each, service);
    if (hops === undefined) continue;
    sum += hops === 0 ? 1 : (symptomShare(each, hops) ?? UNSEEN) * 0.97 ** hops;
  }
  return sum / known.length;
}

const earliest = (contributions: readonly Contribution[]): number | undefined => {
  let first: number | undefined;
  for (const { findings, family } of contributions) {
    if (family === "change") continue;
    for (const { onsetAt } of findings) if (onsetAt !== undefined && (first === undefined || onsetAt < first)) first = onsetAt;
  }
  return first;
};

const TIMEOUT = /tim(ed? ?out|eout)|deadline|no answer|not answer|hang|hung|ETIMEDOUT|aborted/i;
const REFUSED = /refused|ECONNREFUSED|ECONNRESET|socket hang up|exit(ed)?|crash|killed|fatal|panic|OOM/i;

/** What kind of trouble the contributions describe. Unreachable without a restart and with callers that time out is a hang. */
export function kindOf(contributions: readonly Contribution[]): CauseKind {
  const points = new Map(contributions.map((each) => [each.family, each.points]));
  const of = (family: Family) => points.get(family) ?? 0;
  const texts = contributions.flatMap((each) => each.findings.map((f) => (f.source.kind === "log" ? f.source.log.template : "")));
  // Killed for its memory it also starts again: what ran out is the trouble.
  if (of("oom") > 0) return "resource";
  if (of("restarts") > 0) return "crash";
  if (of("down") > 0) {
    const timeouts = texts.filter((text) => TIMEOUT.test(text)).length;
    const refusals = texts.filter((text) => REFUSED.test(text)).length;
    return refusals > timeouts ? "crash" : "hang";
  }
  const errors = Math.max(of("errors"), of("failing-code"), of("missing-calls"));
  const resource = Math.max(of("cpu"), of("memory"), of("lag"));
  const slowness = Math.max(of("latency"), of("slow-code"), of("network"));
  const worst = Math.max(errors, resource, slowness, of("saturation"));
  if (worst === 0) return of("change") > 0 ? "change" : of("log") > 0 ? "code-error" : "external";
  if (resource >= RESOURCE_ENOUGH && resource >= 0.5 * errors) return "resource";
  // Growing memory makes a service slow; being slow does not make memory grow.
  if (of("memory") >= MEMORY_ENOUGH && of("memory") >= 0.5 * errors) return "resource";
  if (worst === errors && of("change") > 0) return "change";
  // A pool of its own that is full makes it slow and makes it fail: that is what to mend.
  if (of("saturation") >= SATURATION_ENOUGH) return "saturation";
  if (worst === errors) return "code-error";
  if (worst === resource) return "resource";
  return worst === slowness ? "dependency-latency" : "saturation";
}

/** Points from which a resource or a full pool is what the trouble is, whatever else follows from it. */
const RESOURCE_ENOUGH = 1.5;
const SATURATION_ENOUGH = 0.6;
const MEMORY_ENOUGH = 0.5;
