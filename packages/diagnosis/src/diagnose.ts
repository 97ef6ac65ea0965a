import type { Cause, CauseKind, Diagnosis, Evidence } from "@tocsin/contracts";
import { type CallGraph, callGraphOf } from "./call-graph.ts";
import { evidenceOf, ruleEvidence } from "./evidence.ts";
import { clockTime, listed } from "./figures.ts";
import { type Finding, findChanges, lookedAt, tracedIn } from "./findings.ts";
import type { DiagnosisInput } from "./input.ts";
import { locateAlerts } from "./locate-alerts.ts";
import { type Contribution, isMerelyChanged, RANKING_WEIGHTS, type RankedService, type RankingWeights, rankServices } from "./rank.ts";
import { clamp } from "./robust.ts";
import { findRuleCrossings } from "./rule-evidence.ts";

export interface DiagnosisOptions {
  readonly weights?: RankingWeights;
  /** A cause needs at least this score to be named. Default 1.6. */
  readonly leastScore?: number;
  /** And at least this confidence. Default 0.45. */
  readonly leastConfidence?: number;
  /** Most causes told. Default 5. */
  readonly maxCauses?: number;
}

export interface DiagnosisResult {
  readonly diagnosis: Diagnosis;
  /** How it came to it: for the written analysis, the console and the evaluations. */
  readonly details: DiagnosisDetails;
}

export interface DiagnosisDetails {
  readonly ranking: readonly RankedService[];
  readonly findings: readonly Finding[];
  readonly graph: CallGraph;
  /** Services looked at and why each is not the cause. */
  readonly ruledOut: readonly { readonly service: string; readonly text: string }[];
  /** Unix seconds of the first thing that went wrong at the cause. */
  readonly onsetAt: number | undefined;
}

const EVIDENCE_PER_CAUSE = 8;
const MAX_UNKNOWN_CHANGES = 3;
/** From this share of the best score on, a second candidate is as good as the first. */
const EQUAL = 0.92;

/**
 * Pure: ranks the causes of an incident by evidence, or says that nothing singles one out.
 *
 * It takes milliseconds: linear in samples, lines and spans, and small in services × their reach.
 */
export function diagnose(given: DiagnosisInput, options: DiagnosisOptions = {}): DiagnosisResult {
  const { input, located } = locateAlerts(given);
  const { weights = RANKING_WEIGHTS, leastScore = 1.6, leastConfidence = 0.45, maxCauses = 5 } = options;
  const alerting = [...new Set(input.members.flatMap((member) => (member.service === undefined ? [] : [member.service])))].sort();
  const seen = new Set<string>();
  for (const series of input.series) seen.add(series.service);
  for (const line of input.logs) seen.add(line.service);
  const graph = callGraphOf(
    input.topology,
    [...input.edges.baseline, ...input.edges.incident, ...(input.edgeSeries ?? []), ...operationEdges(input)],
    seen,
  );
  const traced = tracedIn(input);
  const findings = findChanges(input, graph.services, traced);
  const ranking = rankServices(findings, graph, alerting, lookedAt(input, traced), weights);
  const missing = [...input.missing];
  const unknown = alerting.filter((service) => !graph.services.has(service));
  if (unknown.length > 0) missing.push(`nothing is known of ${listed(unknown)}, which the alerts name`);

  const evidence = new Map<string, Evidence>();
  // What each alert itself measured is told, whoever is the cause.
  for (const crossing of findRuleCrossings(input.rules ?? [], input.window)) {
    if (crossing.rule.fingerprint === undefined && crossing.rule.partOf === undefined) continue;
    const made = ruleEvidence(crossing, input.evidenceId);
    evidence.set(made.id, made);
  }
  const keep = (finding: Finding): string => {
    const made = evidenceOf(finding, input.evidenceId);
    if (!evidence.has(made.id)) evidence.set(made.id, made);
    return made.id;
  };
  const changed = input.changes.flatMap(({ service, at }) => (graph.services.has(service) ? [] : [{ service, at }]));
  const absent = [...(input.absent ?? []), ...located];
  for (const { service, at } of changed.slice(0, MAX_UNKNOWN_CHANGES))
    absent.push(`changes: ${service} was changed at ${at.slice(11, 19)}, and no signal, line, call or topology names such a service`);

  const causes: Cause[] = ranking.slice(0, maxCauses).map((each, rank) => ({
    service: each.service,
    kind: each.kind,
    score: rounded(each.score),
    confidence: rounded(confidenceOf(each, rank, ranking, failedSources(missing), alerting)),
    text: causeText(each),
    evidence: causeEvidence(each, keep, input, evidence),
  }));
  const top = causes[0];
  const needed = ranking[0] !== undefined && isAccused(ranking[0], alerting) ? ACCUSED_NEEDS * leastScore : leastScore;
  const isCause = top !== undefined && top.score >= needed && top.confidence >= leastConfidence && isSingledOut(ranking);
  const diagnosis: Diagnosis = {
    verdict: isCause ? "cause" : "inconclusive",
    causes,
    evidence: [...evidence.values()],
    ...(isCause ? {} : { unsettled: unsettledText(ranking, input, missing) }),
    missing: [...missing, ...absent],
    at: new Date(input.now * 1_000).toISOString(),
  };
  return { diagnosis, details: { ranking, findings, graph, ruledOut: ruledOut(ranking), onsetAt: ranking[0]?.onsetAt } };
}

const operationEdges = (input: DiagnosisInput): { from: string; to: string }[] => {
  const edges: { from: string; to: string }[] = [];
  for (const list of [input.operations?.baseline, input.operations?.incident]) {
    for (const { parent, service } of list ?? []) if (parent !== undefined && parent !== service) edges.push({ from: parent, to: service });
  }
  if (input.operations === undefined) {
    const serviceOf = new Map(input.spans.map((span) => [span.spanId, span.service]));
    for (const span of input.spans) {
      const parent = span.parentSpanId === undefined ? undefined : serviceOf.get(span.parentSpanId);
      if (parent !== undefined && parent !== span.service) edges.push({ from: parent, to: span.service });
    }
  }
  return edges;
};

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;

/** How many sources did not answer in full: one that is away for fifty services is one. */
const failedSources = (missing: readonly string[]): number => new Set(missing.map((each) => each.split(/[ :]/, 1)[0])).size;

/** From this coverage on a service accounts for every alert. */
const ALL_ALERTS = 0.9;
/** What a rule that somebody wrote for this very service is worth beside the measurements, when it accounts for every other alert too. */
const RULE_SAYS = 0.25;
/** Then less has to be measured: a short baseline shows the same trouble more weakly. */
const ACCUSED_NEEDS = 0.6;
const isAccused = (each: RankedService, alerting: readonly string[]): boolean =>
  alerting.includes(each.service) && each.coverage >= ALL_ALERTS;

/** Below this coverage a service stands beside the alerts: what is wrong with it explains none of them. */
const BESIDE = 0.5;

/**
 * How sure: the strength of the evidence, the distance to the next candidate, and how many kinds of evidence agree. Sources that did not
 * answer make it less.
 */
function confidenceOf(
  each: RankedService,
  rank: number,
  ranking: readonly RankedService[],
  missing: number,
  alerting: readonly string[],
): number {
  const rival = rivalOf(each, rank, ranking);
  const margin = rival ? clamp((each.score - rival.score) / Math.max(each.score, rival.score), -1, 1) : 1;
  const strength = 1 - Math.exp(-each.score / 2.2);
  const kinds = each.contributions.filter((c) => c.points >= 0.5).length;
  const agreement = kinds >= 3 ? 1 : kinds === 2 ? 0.95 : 0.88;
  const sources = 0.93 ** Math.min(4, missing);
  const sure = strength * (0.55 + 0.45 * margin) * agreement * sources;
  return clamp(isAccused(each, alerting) ? 1 - (1 - sure) * (1 - RULE_SAYS) : sure, 0, 0.99);
}

/**
 * Whom a candidate is measured against: the first, or for the first itself the next that could be the cause instead. Beside one that explains
 * the alerts, a service that explains none of them is no rival, and one that was merely changed never is.
 */
function rivalOf(each: RankedService, rank: number, ranking: readonly RankedService[]): RankedService | undefined {
  if (rank > 0) return ranking[0];
  return ranking.slice(1).find((other) => !isMerelyChanged(other) && (each.coverage < BESIDE || other.coverage >= BESIDE));
}

/** Two that are about equally suspect are no answer, unless the one stands in the path of the other. */
function isSingledOut(ranking: readonly RankedService[]): boolean {
  const [first, second] = ranking;
  if (!first || !second || (first.coverage >= BESIDE && second.coverage < BESIDE)) return true;
  return second.score <= EQUAL * first.score || first.explains.includes(second.service);
}

const KIND_WORDS: Readonly<Record<CauseKind, string>> = {
  resource: "runs out of a resource",
  "code-error": "fails in its own code",
  "dependency-latency": "answers slowly",
  crash: "crashes",
  change: "fails since it was changed",
  saturation: "is saturated",
  hang: "is there but does not answer",
  external: "is troubled from outside",
};

function causeText(each: RankedService): string {
  const lead = each.contributions
    .filter((c) => c.points > 0.2)
    .slice(0, 3)
    .map((c) => c.family.replace("-", " "));
  const since = each.onsetAt === undefined ? "" : ` since ${clockTime(each.onsetAt)}`;
  const explained = each.explains.length === 0 ? "" : `; it explains the symptoms of ${listed(each.explains.slice(0, 4))}`;
  return `${each.service} ${KIND_WORDS[each.kind]}${since} (${listed(lead)})${explained}.`;
}

function causeEvidence(
  each: RankedService,
  keep: (finding: Finding) => string,
  input: DiagnosisInput,
  evidence: Map<string, Evidence>,
): string[] {
  const ids: string[] = [];
  // The strongest of every family before the second of any: a change or a log line is worth more to the reader than a third metric.
  const findings = each.contributions
    .filter((c) => c.points > 0)
    .flatMap((c) =>
      c.findings
        .toSorted((a, b) => b.strength - a.strength)
        .slice(0, 3)
        .map((finding, place) => ({ finding, place })),
    )
    .sort((a, b) => a.place - b.place);
  for (const { finding } of findings.slice(0, EVIDENCE_PER_CAUSE)) {
    const id = keep(finding);
    if (!ids.includes(id)) ids.push(id);
  }
  for (const member of input.members) {
    if (member.service !== each.service) continue;
    const id = input.evidenceId(`alert|${member.fingerprint}`);
    if (ids.includes(id)) break;
    // What its own expression measured says more than that it fires.
    if (!evidence.has(id))
      evidence.set(id, {
        id,
        kind: "alert",
        service: each.service,
        text: `The alert ${member.name} fires on ${each.service} since ${member.startsAt.slice(11, 19)}.`,
      });
    ids.push(id);
    break;
  }
  if (each.explains.length > 0) {
    const id = input.evidenceId(`topology|${each.service}|${each.explains.join(",")}`);
    const text = `${listed(each.explains)} ${each.explains.length === 1 ? "calls" : "call"} ${each.service}, directly or through others, and ${each.explains.length === 1 ? "shows" : "show"} the symptom that follows from it.`;
    evidence.set(id, { id, kind: "topology", service: each.service, text });
    ids.push(id);
  }
  return ids;
}

/** Who is at the end of the chain of explanations that starts at a service's symptom, and what of the symptom the first of them explains. */
function explainer(each: RankedService, ranking: readonly RankedService[]): { service: string; share: number; family: string } | undefined {
  let family = "";
  let share = 0;
  let current: RankedService | undefined = each;
  const passed = new Set<string>();
  while (current && !passed.has(current.service)) {
    passed.add(current.service);
    const explained: Contribution | undefined = current.contributions.find((c) => (c.explainedBy?.share ?? 0) >= 0.5);
    if (!explained?.explainedBy) break;
    if (current === each) {
      family = explained.family;
      share = explained.explainedBy.share;
    }
    const next: string = explained.explainedBy.service;
    current = ranking.find((other) => other.service === next);
  }
  return share === 0 || !current || current === each ? undefined : { service: current.service, share, family };
}

function ruledOut(ranking: readonly RankedService[]): { service: string; text: string }[] {
  const top = ranking[0];
  if (!top) return [];
  return ranking.slice(1, 8).map((each) => {
    const explained = explainer(each, ranking);
    if (explained) {
      const share = Math.round(explained.share * 100);
      const words = explained.family === "errors" ? "its errors follow" : `its ${explained.family} follows`;
      return { service: each.service, text: `${words} from ${explained.service}, which it depends on; that explains ${share} % of it` };
    }
    if (each.coverage < BESIDE) return { service: each.service, text: "it is not in the path of the services that alert" };
    return { service: each.service, text: `its evidence is weaker (${each.score.toFixed(1)} against ${top.score.toFixed(1)})` };
  });
}

function unsettledText(ranking: readonly RankedService[], input: DiagnosisInput, missing: readonly string[]): string {
  const [first, second] = ranking;
  const parts: string[] = [];
  if (!first) parts.push("No signal, log line, trace or change left its baseline.");
  else if (second && second.score > EQUAL * first.score)
    parts.push(
      `${first.service} and ${second.service} are about equally suspect; a trace of a failing request, or the logs of both, would settle it.`,
    );
  else
    parts.push(
      `${first.service} stands out most, yet too little to act on; a longer baseline or a trace of a failing request would settle it.`,
    );
  if (input.series.length === 0) parts.push("There were no metrics to look at.");
  if (missing.length > 0) parts.push(`Missing: ${missing.join("; ")}.`);
  return parts.join(" ");
}
