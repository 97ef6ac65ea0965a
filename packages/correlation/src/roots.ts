// Terms. The *root* of an incident is the member that best explains the others: they depend on it, it came first, and its rule speaks
// of a fault rather than of what callers feel. The others on its service are plain members, those on other services symptoms.
import type { MemberRole, Reason, Severity } from "@tocsin/contracts";
import type { Graph } from "./graph.ts";
import type { AlertState, LiveIncident, NodeSummary } from "./working-set.ts";

const SEVERITY_RANK: Readonly<Record<Severity, number>> = { critical: 2, warning: 1, info: 0 };
const BEARING_RANK = { intrinsic: 2, surface: 1, starved: 0 } as const;

/** Onsets nearer than this say nothing about which came first, in milliseconds: rules are evaluated every 15 to 60 s. */
const ONSET_RESOLUTION_MS = 15_000;

const isInstance = (key: string): boolean => key.startsWith("instance=");

/** Which of two alerts on one node speaks for it. Negative: `a`. */
function bySpeaker(a: AlertState, b: AlertState): number {
  return (
    BEARING_RANK[b.bearing] - BEARING_RANK[a.bearing] ||
    // The pod before the deployment that counts it.
    Number(b.infrastructure.some(isInstance)) - Number(a.infrastructure.some(isInstance)) ||
    (Math.abs(a.startsAt - b.startsAt) > ONSET_RESOLUTION_MS ? a.startsAt - b.startsAt : 0) ||
    SEVERITY_RANK[b.severity] - SEVERITY_RANK[a.severity] ||
    (a.fingerprint < b.fingerprint ? -1 : 1)
  );
}

/** Takes a new member into the node summaries. Costs one step for each node already there. */
export function summarise(incident: LiveIncident, alert: AlertState, graph: Graph): void {
  const known = incident.nodes.get(alert.node);
  if (known) {
    known.count++;
    known.earliest = Math.min(known.earliest, alert.startsAt);
    if (bySpeaker(alert, known.top) < 0) {
      const starvedBefore = known.top.bearing === "starved";
      known.top = alert;
      // A node that starved and now shows a fault of its own counts as a dependency from here on.
      if (starvedBefore && alert.bearing !== "starved")
        for (const other of incident.nodes.values()) if (other !== known && graph.reach(other.node).has(known.node)) other.deeper++;
    }
    return;
  }
  const summary: NodeSummary = { node: alert.node, top: alert, earliest: alert.startsAt, count: 1, explains: 0, deeper: 0 };
  if (alert.node !== "") {
    const below = graph.reach(alert.node);
    const above = graph.reachedBy(alert.node);
    for (const other of incident.nodes.values()) {
      if (above.has(other.node)) {
        summary.explains++;
        if (alert.bearing !== "starved") other.deeper++;
      }
      if (below.has(other.node)) {
        other.explains++;
        if (other.top.bearing !== "starved") summary.deeper++;
      }
    }
  }
  incident.nodes.set(alert.node, summary);
}

/**
 * Did work stop arriving here because a caller broke? Then the caller's other callees starve as well. A service that starves alone
 * while its callers fail is dead itself: nobody reaches it.
 */
function starvesInCompany(incident: LiveIncident, summary: NodeSummary, graph: Graph): boolean {
  for (const caller of graph.dependents(summary.node)) {
    if (!incident.nodes.has(caller)) continue;
    for (const callee of graph.dependencies(caller)) {
      if (callee === summary.node || incident.nodes.get(callee)?.top.bearing !== "starved") continue;
      if (!graph.reach(callee).has(summary.node) && !graph.reach(summary.node).has(callee)) return true;
    }
  }
  return false;
}

function scoreOf(incident: LiveIncident, summary: NodeSummary, graph: Graph): number {
  const others = incident.nodes.size - 1;
  const starved = summary.top.bearing === "starved";
  const isConsequence = starved && (summary.explains === 0 || starvesInCompany(incident, summary, graph));
  const explained = others === 0 ? 0 : (summary.explains / others) * (isConsequence ? 0.25 : 1);
  const bearing = starved ? (isConsequence ? -0.4 : -0.1) : summary.top.bearing === "intrinsic" ? 0.3 : 0;
  const first = summary.earliest - incident.startedAt <= ONSET_RESOLUTION_MS ? 0.15 : 0;
  const deeper = summary.deeper > 0 ? -0.3 : 0;
  const nameless = summary.node === "" ? -0.3 : 0;
  return explained + bearing + first + deeper + nameless;
}

export interface RankedRoot {
  readonly node: string;
  readonly alert: AlertState;
  readonly score: number;
  readonly reasons: readonly Reason[];
}

function compareRoots(a: { score: number; summary: NodeSummary }, b: { score: number; summary: NodeSummary }): number {
  return b.score - a.score || a.summary.earliest - b.summary.earliest || bySpeaker(a.summary.top, b.summary.top);
}

/** The nodes of an incident as root candidates, the best first, at most `limit`, each with its reasons. */
export function rankRoots(incident: LiveIncident, graph: Graph, limit = 5): readonly RankedRoot[] {
  const others = incident.nodes.size - 1;
  const scored = [...incident.nodes.values()].map((summary) => ({ summary, score: scoreOf(incident, summary, graph) }));
  scored.sort(compareRoots);
  return scored.slice(0, limit).map(({ summary, score }) => ({
    node: summary.node,
    alert: summary.top,
    score,
    reasons: rootReasons(summary, others, incident.startedAt),
  }));
}

/** The member that looks like the root; a scan over the nodes without building reasons. */
export function rootOf(incident: LiveIncident, graph: Graph): AlertState | undefined {
  let best: { summary: NodeSummary; score: number } | undefined;
  for (const summary of incident.nodes.values()) {
    const candidate = { summary, score: scoreOf(incident, summary, graph) };
    if (best === undefined || compareRoots(candidate, best) < 0) best = candidate;
  }
  return best?.summary.top;
}

function rootReasons(summary: NodeSummary, others: number, firstAt: number): readonly Reason[] {
  const reasons: Reason[] = [];
  const name = summary.top.service ?? summary.top.name;
  if (summary.explains > 0)
    reasons.push({
      kind: "topology-direction",
      weight: Math.min(1, summary.explains / Math.max(1, others)),
      text: `${summary.explains} of ${others} other affected services depend on ${name}`,
    });
  if (summary.deeper > 0)
    reasons.push({
      kind: "topology-direction",
      weight: -0.3,
      text: `${name} itself depends on ${summary.deeper} other affected service${summary.deeper === 1 ? "" : "s"}`,
    });
  if (summary.top.bearing === "intrinsic")
    reasons.push({ kind: "signature", weight: 0.3, text: `${summary.top.name} speaks of a fault in ${name} itself` });
  if (summary.top.bearing === "starved")
    reasons.push({
      kind: "signature",
      weight: -0.4,
      text: `${summary.top.name} says that work stopped arriving at ${name}: something before it broke`,
    });
  if (summary.earliest - firstAt <= ONSET_RESOLUTION_MS && others > 0)
    reasons.push({ kind: "onset", weight: 0.15, text: `${name} was among the first to fire` });
  return reasons;
}

/** The role of a member and why, given the incident's root. */
export function roleOf(incident: LiveIncident, alert: AlertState, graph: Graph): { role: MemberRole; reasons: readonly Reason[] } {
  const root = incident.root;
  if (root === undefined) return { role: "member", reasons: [] };
  if (alert === root) {
    const summary = incident.nodes.get(root.node);
    const reasons = summary ? rootReasons(summary, incident.nodes.size - 1, incident.startedAt) : [];
    return { role: "root", reasons: reasons.length > 0 ? reasons : [{ kind: "onset", weight: 0.15, text: "the only alert so far" }] };
  }
  const rootName = root.service ?? root.name;
  if (alert.node === root.node)
    return { role: "member", reasons: [{ kind: "same-service", weight: 0.5, text: `on ${rootName}, as the root is` }] };
  const hops = alert.node === "" || root.node === "" ? undefined : graph.reach(alert.node).get(root.node);
  if (hops !== undefined)
    return {
      role: "symptom",
      reasons: [{ kind: "topology-direction", weight: 0.6, text: `depends on ${rootName}, ${hops} call${hops === 1 ? "" : "s"} away` }],
    };
  if (alert.bearing === "starved")
    return { role: "symptom", reasons: [{ kind: "signature", weight: 0.4, text: `work stopped arriving: a consequence of ${rootName}` }] };
  if (alert.bearing === "surface" && root.bearing === "intrinsic")
    return { role: "symptom", reasons: [{ kind: "signature", weight: 0.2, text: `shows what callers feel, ${root.name} shows a fault` }] };
  return { role: "member", reasons: [{ kind: "signature", weight: 0, text: "no sign says whether it is cause or consequence" }] };
}

/** A title such as `payments: MemoryGrowing (+3 symptoms)`. */
export function titleOf(incident: LiveIncident): string {
  const root = incident.root;
  if (root === undefined) return "unknown";
  const others = incident.members.size - 1;
  const more = others === 0 ? "" : ` (+${others} symptom${others === 1 ? "" : "s"})`;
  return `${root.service ?? root.namespace ?? incident.scope}: ${root.name}${more}`;
}
