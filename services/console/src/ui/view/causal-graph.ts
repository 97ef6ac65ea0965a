// Which services an incident's picture shows, and what each is in it. The layout is made elsewhere.
import type { IncidentView, Member, Topology } from "@tocsin/contracts";

type NodeRole = "cause" | "root" | "symptom" | "member" | "bystander";

export interface GraphNode {
  readonly id: string;
  readonly role: NodeRole;
  readonly firing: number;
  readonly members: readonly Member[];
  /** Why it is what it is, in words. */
  readonly reasons: readonly string[];
}
interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** Does trouble travel along it: from the callee that is ill to the caller that feels it? */
  readonly isPath: boolean;
}
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** Above this many services only those that take part and what lies between them are shown. */
const MAX_WHOLE = 14;

/** The members of the incident on the topology: whoever takes part, and their direct neighbours for orientation. */
export function causalGraph(incident: Pick<IncidentView, "members" | "causes" | "verdict">, topology: Topology | undefined): Graph {
  const cause = incident.verdict === "cause" ? incident.causes[0] : undefined;
  const membersOf = new Map<string, Member[]>();
  for (const member of incident.members)
    if (member.service !== undefined) membersOf.set(member.service, [...(membersOf.get(member.service) ?? []), member]);
  const taking = new Set([...membersOf.keys(), ...(cause === undefined ? [] : [cause.service])]);
  const calls = (topology?.services ?? []).flatMap(({ id, dependsOn }) => dependsOn.map((to) => [id, to] as const));
  const all = new Set([...taking, ...(topology?.services ?? []).map(({ id }) => id)]);
  const near = new Set(taking);
  for (const [from, to] of calls) {
    if (taking.has(from)) near.add(to);
    if (taking.has(to)) near.add(from);
  }
  const shown = all.size <= MAX_WHOLE ? all : near.size <= 40 ? near : taking;
  const nodes = [...shown].sort().map((id): GraphNode => {
    const members = membersOf.get(id) ?? [];
    const isRoot = members.some((member) => member.role === "root");
    const isSymptom = members.some((member) => member.role === "symptom");
    return {
      id,
      role: cause?.service === id ? "cause" : isRoot ? "root" : isSymptom ? "symptom" : members.length > 0 ? "member" : "bystander",
      firing: members.filter((member) => member.status === "firing").length,
      members,
      reasons: [
        ...(cause?.service === id ? [cause.text] : []),
        ...members.flatMap((member) => member.reasons.map((reason) => `${member.name}: ${reason.text}`)),
      ],
    };
  });
  const edges = calls
    .filter(([from, to]) => from !== to && shown.has(from) && shown.has(to))
    .map(([from, to]) => ({ from, to, isPath: taking.has(from) && taking.has(to) }));
  return { nodes, edges };
}
