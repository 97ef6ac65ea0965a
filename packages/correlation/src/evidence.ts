// Which incidents an alert may belong to, and what speaks for and against each. Indexes lead to candidates, so the cost of an alert
// depends on its surroundings and never on how many incidents are open.
import type { Reason } from "@tocsin/contracts";
import type { CorrelationConfig, InfrastructureKind } from "./config.ts";
import { affinity } from "./cooccurrence.ts";
import { similarity } from "./signature.ts";
import { type AlertState, INDEX_SCAN, type LiveIncident, type WorkingSet } from "./working-set.ts";
import { differInWords, familiesOf, parseWorkload } from "./workload.ts";

export interface Weighed {
  readonly incident: LiveIncident;
  readonly sum: number;
  readonly reasons: readonly Reason[];
}

/** What is weighed, and when it happened. */
export interface Newcomer {
  readonly alert: AlertState;
  /** Event time that can be trusted, in milliseconds. */
  readonly at: number;
  /** Names that its text may mean other services by; asked for only when nothing stronger speaks. */
  readonly mentions: () => ReadonlySet<string>;
  /** The incident it is in already, when it is looked at again. */
  readonly within?: LiveIncident;
}

/** How a node lies to an incident: the nearest member on a dependency path. */
interface Path {
  readonly hops: number;
  readonly node: string;
  /** Does the newcomer depend on that member (`below`), or the member on the newcomer (`above`)? */
  readonly direction: "below" | "above";
}

const seconds = (ms: number): string => (ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`);

/** How far apart in time, in milliseconds: 0 inside the span of the incident's onsets. */
export function gapOf(incident: LiveIncident, at: number): number {
  if (at < incident.startedAt) return incident.startedAt - at;
  return Math.max(0, at - incident.lastAt);
}

/**
 * How much a recovered incident still draws what begins at `at`: everything while a member fires, less and less afterwards, so that the
 * next fault of a service is not taken for the last one. One that is resolved or in a person's hands takes in only stragglers.
 *
 * @returns 0 to 1
 */
function drawOf(incident: LiveIncident, at: number, config: CorrelationConfig): number {
  if (incident.firing > 0) return 1;
  const after = at - (incident.recoveredAt ?? incident.lastAt);
  if (after <= config.settleMs) return 1;
  if (incident.state === "resolved" || incident.state === "escalated") return 0;
  return Math.max(0, 1 - after / config.windowMs);
}

/** The name under which co-occurrence is learned: the rule on the workload. */
export const learnedKey = (alert: AlertState): string => `${alert.node}|${alert.name}`;

function nearestPaths(set: WorkingSet, node: string): Map<LiveIncident, Path> {
  const paths = new Map<LiveIncident, Path>();
  const { graph, byNode } = set;
  const look = (closure: ReadonlyMap<string, number>, direction: Path["direction"]): void => {
    const found = (other: string, hops: number): void => {
      for (const incident of byNode.get(other)) {
        const known = paths.get(incident);
        if (known === undefined || hops < known.hops) paths.set(incident, { hops, node: other, direction });
      }
    };
    // Walk the smaller side: what is near in the graph, or what is affected at the moment.
    if (closure.size <= byNode.size) {
      for (const [other, hops] of closure) if (byNode.has(other)) found(other, hops);
    } else {
      for (const other of byNode.keys()) {
        const hops = closure.get(other);
        if (hops !== undefined) found(other, hops);
      }
    }
  };
  look(graph.reach(node), "below");
  look(graph.reachedBy(node), "above");
  return paths;
}

/**
 * How much of what depends on `via` is affected: a silent dependency explains its dependents only when most of them suffer.
 *
 * @returns 0 to 1
 */
function coverage(set: WorkingSet, via: string, newcomer: string): number {
  const dependents = set.graph.dependents(via);
  if (dependents.length === 0) return 0;
  let covered = 0;
  for (const dependent of dependents) {
    if (dependent === newcomer || set.byNode.has(dependent)) {
      covered++;
      continue;
    }
    // A silent step in between, such as an endpoint or a pod, is covered by what stands on it.
    const above = set.graph.reachedBy(dependent);
    if (above.get(newcomer) !== undefined) covered++;
    else {
      for (const [other, hops] of above) {
        if (hops > 2) break;
        if (set.byNode.has(other)) {
          covered++;
          break;
        }
      }
    }
  }
  return covered / dependents.length;
}

/** What ties two nodes through something silent that both depend on; 0 when nothing does. */
export function commonDependency(
  set: WorkingSet,
  node: string,
  other: string,
  config: CorrelationConfig,
): { weight: number; via: string } | undefined {
  for (const sibling of set.graph.siblings(node)) {
    if (sibling.node !== other) continue;
    if (set.byNode.has(sibling.via)) return undefined;
    const weight = (config.weights.commonDependency * coverage(set, sibling.via, node)) / (1 + 0.05 * Math.max(0, sibling.hops - 2));
    return { weight, via: sibling.via };
  }
  return undefined;
}

const label = (names: Iterable<string>): string => [...names].slice(0, 3).join(", ");

/** Sums the evidence for the newcomer belonging to one incident. Pure; reasons are built only for what is not nothing. */
function weigh(
  set: WorkingSet,
  newcomer: Newcomer,
  incident: LiveIncident,
  path: Path | undefined,
  mentioned: string | undefined,
  config: CorrelationConfig,
): Weighed {
  const { weights } = config;
  const { alert, at } = newcomer;
  const reasons: Reason[] = [];
  let sum = 0;
  const say = (kind: string, weight: number, text: string): void => {
    const rounded = Math.round(Math.max(-1, Math.min(1, weight)) * 1000) / 1000;
    if (rounded === 0) return;
    sum += rounded;
    reasons.push({ kind, weight: rounded, text });
  };
  const gap = gapOf(incident, at);
  const isFiring = incident.firing > 0;
  // Old ties count less: what is still firing an hour later has other neighbours than its victims.
  const draw = drawOf(incident, at, config);
  const fade = draw * (gap <= config.windowMs ? 1 : gap <= config.maxWindowMs ? 0.9 : isFiring ? (gap <= config.staleMs ? 0.75 : 0.4) : 0);
  const here = alert.node === "" ? undefined : incident.nodes.get(alert.node);
  const name = alert.service ?? alert.name;

  if (here !== undefined) {
    const sameRule = incident.rules.has(`${alert.node}|${alert.name}`);
    if (sameRule) say("incident-key", weights.incidentKey * fade, `${alert.name} on ${name} is in it already`);
    else say("same-service", weights.sameService * fade, `on the same service, ${name}, as ${here.top.name}`);
  } else if (path !== undefined) {
    const weight = (weights.topology[path.hops - 1] ?? 0) * fade;
    const far = `${path.hops} call${path.hops === 1 ? "" : "s"} away`;
    const other = incident.nodes.get(path.node)?.top.service ?? path.node;
    say("topology", weight, path.direction === "below" ? `${name} depends on ${other}, ${far}` : `${other} depends on ${name}, ${far}`);
    // A second callee of a symptom is a rival of the root, not its companion.
    const root = incident.root;
    if (root !== undefined && root.node !== "" && path.direction === "above" && path.node !== root.node) {
      const related = set.graph.reach(root.node).has(alert.node) || set.graph.reach(alert.node).has(root.node);
      if (!related) {
        const tie = commonDependency(set, alert.node, root.node, config);
        if (tie !== undefined && tie.weight >= weights.commonDependency / 2)
          say(
            "common-dependency",
            tie.weight * fade,
            `${name} and ${root.service ?? root.name} both depend on ${tie.via}, which is silent`,
          );
        else
          say("rival-root", -0.6, `${name} and ${root.service ?? root.name} do not depend on each other: two faults may share a symptom`);
      }
    }
  } else if (alert.node !== "") {
    const tie = bestCommonDependency(set, alert.node, incident, config);
    if (tie !== undefined && tie.weight >= 0.1)
      say("common-dependency", tie.weight * fade, `${name} and ${tie.other} both depend on ${tie.via}, which is silent`);
    else if (mentioned === undefined && isApart(set, alert, incident))
      say("topology-apart", weights.apart, `no dependency path between ${name} and ${label(servicesOf(incident))}`);
  }

  if (here === undefined && path === undefined && alert.node !== "") {
    const family = sharedFamily(set, alert, incident);
    if (family !== undefined)
      say(
        "name-family",
        weights.nameFamily * fade,
        `${name} and ${family.other} are both of ${family.name}, and the topology does not know how they call each other`,
      );
  }
  if (alert.node === "" && alert.namespace !== undefined && incident.nodes.get("")?.top.namespace === alert.namespace)
    say("same-namespace-subject", weights.sameNamespaceSubject * fade, `both are about namespace ${alert.namespace} and no service of it`);

  const shared = sharedInfrastructure(set, alert, incident);
  for (const { kind, value, services } of shared) {
    say(`shared-${kind}`, weights.infrastructure[kind] * fade, `same ${kind} ${value}`);
    if (kind === "host" && (services >= 3 || alert.node === "" || incident.nodes.has("")))
      say(
        "host-fault",
        weights.hostFault * fade,
        services >= 3 ? `${services} services of ${kind} ${value} fire` : `the ${kind} itself is alerted on`,
      );
  }
  if (alert.namespace !== undefined && isOfNamespace(incident, alert.namespace))
    say("shared-namespace", weights.infrastructure.namespace, `same namespace ${alert.namespace}`);

  if (gap < config.windowMs) {
    const weight = weights.time * (1 - gap / config.windowMs);
    say("time", weight, gap < 1000 ? "started at the same time" : `${seconds(gap)} apart`);
  } else if (isFiring && gap <= config.staleMs)
    say("still-firing", weights.stillFiring, `the incident is still firing, ${seconds(gap)} after its last change`);

  if (incident.rules.has(`|${alert.name}`)) say("same-rule", weights.rule * fade, `same rule, ${alert.name}`);
  else if (alert.node === "") {
    const similar = mostSimilarRule(alert.name, incident);
    if (similar !== undefined)
      say("similar-rule", weights.similarRule * similar.share * fade, `${alert.name} and ${similar.rule} speak of the same`);
  }
  if (alert.template !== "" && incident.templates.has(alert.template))
    say("same-text", weights.template * fade, "same annotation text but for names and numbers");
  if (mentioned !== undefined) say("mention", weights.mention * fade, mentioned);
  const learned = learnedTie(set, alert, incident, at, config);
  if (learned !== undefined)
    say(
      "co-occurrence",
      weights.cooccurrence * learned.share * fade,
      `${alert.name} and ${learned.with} have come together before (${Math.round(learned.share * 100)} %)`,
    );
  if (alert.groupKey !== undefined && isOfGroup(incident, alert.groupKey))
    say("group-key", weights.groupKey * fade, "the sender put them in one group");
  return { incident, sum, reasons };
}

function mostSimilarRule(rule: string, incident: LiveIncident): { rule: string; share: number } | undefined {
  let best: { rule: string; share: number } | undefined;
  for (const summary of incident.nodes.values()) {
    const share = similarity(rule, summary.top.name);
    if (share >= 0.3 && (best === undefined || share > best.share)) best = { rule: summary.top.name, share };
  }
  return best;
}

/**
 * The family that the names of the alert's service and of a member share, when the topology knows the calls of neither well enough
 * to say, the family is not everybody's, and they are not two faults of their own.
 */
function sharedFamily(set: WorkingSet, alert: AlertState, incident: LiveIncident): { name: string; other: string } | undefined {
  const root = incident.root;
  if (alert.service === undefined || root?.service === undefined) return undefined;
  if (isPlaced(set, alert) && set.graph.isConnected(root.node)) return undefined;
  if (alert.bearing === "intrinsic" && root.bearing === "intrinsic") return undefined;
  const [own, other] = [alert.service, root.service];
  for (const family of [...familiesOf(own)].reverse()) {
    if (!other.startsWith(family) || !familiesOf(other).includes(family)) continue;
    const share = set.graph.familyShare(family);
    if (share === undefined || share > 0.7) return undefined;
    return differInWords(own.slice(family.length), other.slice(family.length)) ? { name: family, other } : undefined;
  }
  return undefined;
}

function servicesOf(incident: LiveIncident): Set<string> {
  const services = new Set<string>();
  for (const summary of incident.nodes.values()) {
    services.add(summary.top.service ?? summary.top.name);
    if (services.size >= 4) break;
  }
  return services;
}

/** How many nodes of an incident are looked through for a hint: enough, and bounded. */
const HINT_SCAN = 8;

function isOfNamespace(incident: LiveIncident, namespace: string): boolean {
  let looked = 0;
  for (const { top } of incident.nodes.values()) {
    if (top.namespace === namespace) return true;
    if (++looked >= HINT_SCAN) break;
  }
  return false;
}

function isOfGroup(incident: LiveIncident, groupKey: string): boolean {
  let looked = 0;
  for (const { top } of incident.nodes.values()) {
    if (top.groupKey === groupKey) return true;
    if (++looked >= HINT_SCAN) break;
  }
  return false;
}

/**
 * Does the topology say what may trouble it? Work that stopped arriving may have come by ways that no call shows, such as a queue,
 * so a starved service is never placed.
 */
const isPlaced = (set: WorkingSet, alert: AlertState): boolean => alert.bearing !== "starved" && set.graph.isConnected(alert.node);

function isApart(set: WorkingSet, alert: AlertState, incident: LiveIncident): boolean {
  if (!isPlaced(set, alert)) return false;
  for (const other of incident.nodes.keys()) if (other !== "" && set.graph.isConnected(other)) return true;
  return false;
}

function bestCommonDependency(set: WorkingSet, node: string, incident: LiveIncident, config: CorrelationConfig) {
  let best: { weight: number; via: string; other: string } | undefined;
  for (const sibling of set.graph.siblings(node)) {
    const summary = incident.nodes.get(sibling.node);
    // A fault of its own needs no common cause.
    if (summary === undefined || set.byNode.has(sibling.via)) continue;
    const tie = commonDependency(set, node, sibling.node, config);
    if (tie !== undefined && (best === undefined || tie.weight > best.weight))
      best = { ...tie, other: summary.top.service ?? sibling.node };
  }
  return best;
}

function sharedInfrastructure(set: WorkingSet, alert: AlertState, incident: LiveIncident) {
  const shared: { kind: InfrastructureKind; value: string; services: number }[] = [];
  for (const key of alert.infrastructure) {
    if (!set.byInfrastructure.get(key).includes(incident)) continue;
    const [kind, value] = [key.slice(0, key.indexOf("=")) as InfrastructureKind, key.slice(key.indexOf("=") + 1)];
    let services = 1;
    if (kind === "host") {
      for (const summary of incident.nodes.values())
        if (summary.node !== alert.node && summary.top.infrastructure.includes(key)) services++;
    }
    shared.push({ kind, value, services });
  }
  return shared;
}

function learnedTie(set: WorkingSet, alert: AlertState, incident: LiveIncident, at: number, config: CorrelationConfig) {
  const key = learnedKey(alert);
  const partners = set.pairs.partners.get(key);
  if (partners === undefined) return undefined;
  let best: { share: number; with: string } | undefined;
  for (const partner of partners) {
    if (!incident.rules.has(partner)) continue;
    const share = affinity(set.pairs, key, partner, at, config.pairHalfLifeMs, config.pairMinimum);
    if (share > 0.3 && (best === undefined || share > best.share)) best = { share, with: partner.replace("|", ": ") };
  }
  return best;
}

/**
 * Every incident that something leads to, weighed, the strongest first. Equal sums: the nearer in time, then the older, then by id.
 */
export function candidates(set: WorkingSet, newcomer: Newcomer, config: CorrelationConfig): Weighed[] {
  const { alert, at } = newcomer;
  const allowed = (incident: LiveIncident): boolean => {
    if (incident.state === "closed" || incident === newcomer.within) return false;
    const gap = gapOf(incident, at);
    // A recovered incident is over: only what began inside its window still belongs to it.
    return incident.firing > 0 || (gap <= config.windowMs && drawOf(incident, at, config) > 0);
  };
  const weighed: Weighed[] = [];
  if (alert.node !== "") {
    for (const incident of set.byNode.get(alert.node))
      if (allowed(incident)) weighed.push(weigh(set, newcomer, incident, undefined, undefined, config));
    // Its service is in an incident of the moment already: what lies around it was looked at when the service came in.
    if (weighed.some((each) => each.sum >= config.joinAt && gapOf(each.incident, at) <= config.windowMs)) return byStrength(weighed, at);
  }
  const known = new Set(weighed.map((each) => each.incident));
  const found = new Set<LiveIncident>();
  const paths = alert.node !== "" && set.graph.isConnected(alert.node) ? nearestPaths(set, alert.node) : undefined;
  if (paths) for (const incident of paths.keys()) found.add(incident);
  for (const key of alert.infrastructure) for (const incident of set.byInfrastructure.get(key)) found.add(incident);
  if (alert.node === "") for (const incident of set.byRule.get(alert.name)) found.add(incident);
  const partners = set.pairs.partners.get(learnedKey(alert));
  if (partners)
    for (const partner of partners) for (const incident of set.byNode.get(partner.slice(0, partner.indexOf("|")))) found.add(incident);

  for (const incident of found)
    if (!known.has(incident) && allowed(incident)) weighed.push(weigh(set, newcomer, incident, paths?.get(incident), undefined, config));

  if (!weighed.some((each) => each.sum >= config.joinAt)) {
    const mentions = mentionedIncidents(set, newcomer);
    if (alert.node !== "" && set.graph.isConnected(alert.node)) {
      for (const sibling of set.graph.siblings(alert.node))
        for (const incident of set.byNode.get(sibling.node))
          if (!mentions.has(incident) && !found.has(incident)) mentions.set(incident, "");
    }
    for (const [incident, text] of mentions) {
      if (!allowed(incident)) continue;
      const again = weigh(set, newcomer, incident, paths?.get(incident), text === "" ? undefined : text, config);
      const index = weighed.findIndex((each) => each.incident === incident);
      if (index < 0) weighed.push(again);
      else weighed[index] = again;
    }
    if (alert.node === "" && !weighed.some((each) => each.sum >= config.joinAt)) standOut(set, newcomer, weighed, config);
    else if (alert.node !== "" && !isPlaced(set, alert)) {
      for (const incident of set.recent)
        if (allowed(incident) && !weighed.some((each) => each.incident === incident) && sharedFamily(set, alert, incident) !== undefined)
          weighed.push(weigh(set, newcomer, incident, undefined, undefined, config));
    }
  }
  return byStrength(weighed, at);
}

function byStrength(weighed: Weighed[], at: number): Weighed[] {
  if (weighed.length < 2) return weighed;
  return weighed.sort(
    (a, b) =>
      b.sum - a.sum ||
      gapOf(a.incident, at) - gapOf(b.incident, at) ||
      a.incident.startedAt - b.incident.startedAt ||
      (a.incident.id < b.incident.id ? -1 : 1),
  );
}

/** Incidents whose services this text names, or whose text named this service before it fired; with the sentence that says so. */
function mentionedIncidents(set: WorkingSet, newcomer: Newcomer): Map<LiveIncident, string> {
  const found = new Map<LiveIncident, string>();
  const own = newcomer.alert.service === undefined ? undefined : parseWorkload(newcomer.alert.service).base;
  for (const word of newcomer.mentions()) {
    if (word === own) continue;
    for (const incident of set.byBase.get(word)) if (!found.has(incident)) found.set(incident, `its text names ${word}`);
  }
  if (own !== undefined) {
    for (const { incident, mentions } of set.openers) {
      if (incident.state !== "closed" && mentions.has(own) && !found.has(incident))
        found.set(incident, `the alert that opened it names ${newcomer.alert.service}`);
    }
  }
  // A name that leads to many incidents points at none.
  return found.size > INDEX_SCAN ? new Map() : found;
}

/** How far the best has to be ahead of the next to stand out. */
const MARGIN = 0.08;

/** An alert that names no service goes with the incident that stands out among those near in time, if one does. */
function standOut(set: WorkingSet, newcomer: Newcomer, weighed: Weighed[], config: CorrelationConfig): void {
  for (const incident of set.recent)
    if (
      incident.state !== "closed" &&
      incident !== newcomer.within &&
      gapOf(incident, newcomer.at) <= config.windowMs &&
      drawOf(incident, newcomer.at, config) > 0 &&
      !weighed.some((each) => each.incident === incident)
    )
      weighed.push(weigh(set, newcomer, incident, undefined, undefined, config));
  const [best, next] = weighed.toSorted((a, b) => b.sum - a.sum);
  if (best === undefined || (next !== undefined && best.sum - next.sum < MARGIN)) return;
  const weight = config.weights.onlyCandidate;
  const reason = { kind: "only-candidate", weight, text: "names no service, and no other incident near it in time fits as well" };
  weighed[weighed.indexOf(best)] = { ...best, sum: best.sum + weight, reasons: [...best.reasons, reason] };
}
