// Terms. The *graph* is the topology made ready for questions: nodes are workloads, an edge points from a caller to what it calls.
// Faults travel against the edges: what is called breaks, then its callers. `reach` follows the calls, `reachedBy` goes against them.
import type { Topology } from "@tocsin/contracts";
import { familiesOf, parseWorkload } from "./workload.ts";

/** Something both depend on, and how far it is from each. */
interface CommonDependency {
  readonly node: string;
  readonly via: string;
  readonly hops: number;
}

export interface Graph {
  /** The node of a name, also when the topology spells it as another object of the same workload; undefined when unknown. */
  resolve(name: string, namespace?: string): string | undefined;
  readonly nodes: readonly string[];
  /** Is anything known of its calls, hubs aside? */
  isConnected(node: string): boolean;
  /** How many of the nodes' names begin with this name family, as a share of all, 0 to 1; undefined when the topology is empty. */
  familyShare(family: string): number | undefined;
  /** What it depends on, directly or not, with the number of calls; itself is not in it. */
  reach(node: string): ReadonlyMap<string, number>;
  /** What depends on it. */
  reachedBy(node: string): ReadonlyMap<string, number>;
  dependencies(node: string): readonly string[];
  dependents(node: string): readonly string[];
  /** Nodes that share a dependency with this one and are not on a path with it; hubs are left out. */
  siblings(node: string): readonly CommonDependency[];
  labels(node: string): Readonly<Record<string, string>>;
}

const MAX_CLOSURE = 512;
const MAX_SIBLINGS = 128;

/** Below this strength an edge is faded: it counts as two calls, so that what it says weighs less. */
const FADED_BELOW = 0.5;

/** `[from, to]` of each edge that has not been seen for long. */
export const fadedEdges = ({ edges = [] }: Topology): readonly (readonly [string, string])[] =>
  edges.filter(({ strength }) => strength < FADED_BELOW).map(({ from, to }) => [from, to]);

/**
 * Compiles a topology. Objects of one workload (`cart-pod-1`, `cart-service-1`) become one node; answers are computed when first
 * asked for and kept.
 *
 * @param maxHops how far `reach` and `reachedBy` go
 * @param hubDependents what has more direct dependents makes no siblings
 */
export function compileGraph(topology: Topology, maxHops: number, hubDependents: number): Graph {
  const names = new Set<string>();
  for (const service of topology.services) {
    names.add(service.id);
    for (const dependency of service.dependsOn) names.add(dependency);
  }
  // The node of a workload is the first of its names in code-unit order, so that equal topologies give equal graphs.
  const ordered = [...names].sort();
  const nodeOf = new Map<string, string>();
  const byWorkload = new Map<string, string>();
  const byBase = new Map<string, Set<string>>();
  for (const name of ordered) {
    const workload = parseWorkload(name);
    const key = `${workload.base}#${workload.ordinal}`;
    const node = workload.kinded ? (byWorkload.get(key) ?? name) : name;
    if (workload.kinded) byWorkload.set(key, node);
    nodeOf.set(name, node);
    const sameBase = byBase.get(workload.base) ?? new Set();
    byBase.set(workload.base, sameBase.add(node));
  }

  // A name without ordinal (`cart-service`) is the workload that alone has one (`cart-pod-1`).
  for (const [base, nodes] of byBase) {
    const bare = byWorkload.get(`${base}#`);
    const numbered = [...nodes].filter((node) => node !== bare && parseWorkload(node).kinded);
    if (bare === undefined || numbered.length !== 1) continue;
    for (const [name, node] of nodeOf) if (node === bare) nodeOf.set(name, numbered[0] as string);
    byWorkload.set(`${base}#`, numbered[0] as string);
    nodes.delete(bare);
  }

  const forward = new Map<string, Set<string>>();
  const backward = new Map<string, Set<string>>();
  const labelsOf = new Map<string, Record<string, string>>();
  for (const service of topology.services) {
    const from = nodeOf.get(service.id) as string;
    labelsOf.set(from, { ...service.labels, ...labelsOf.get(from) });
    for (const dependency of service.dependsOn) {
      const to = nodeOf.get(dependency) as string;
      if (to === from) continue;
      forward.set(from, (forward.get(from) ?? new Set()).add(to));
      backward.set(to, (backward.get(to) ?? new Set()).add(from));
    }
  }
  const sortedCopy = (edges: Map<string, Set<string>>) => new Map([...edges].map(([node, set]) => [node, [...set].sort()]));
  const calls = sortedCopy(forward);
  const callers = sortedCopy(backward);
  const NONE: readonly string[] = [];

  const edgeKey = (from: string, to: string): string => `${from}\n${to}`;
  const faded = new Set(fadedEdges(topology).map(([from, to]) => edgeKey(nodeOf.get(from) ?? from, nodeOf.get(to) ?? to)));

  /** Nodes by distance, the nearest first. A node is settled in the round of its distance: one reached by a faded edge waits a round longer. */
  function closure(edges: ReadonlyMap<string, readonly string[]>, start: string, isForward: boolean): ReadonlyMap<string, number> {
    const distances = new Map<string, number>();
    const rounds: string[][] = [[start]];
    for (let hops = 0; hops < rounds.length && distances.size < MAX_CLOSURE; hops++) {
      for (const node of rounds[hops] ?? NONE) {
        if (node === start ? hops > 0 : distances.has(node)) continue;
        if (node !== start) distances.set(node, hops);
        for (const neighbour of edges.get(node) ?? NONE) {
          const isFaded = faded.size > 0 && faded.has(isForward ? edgeKey(node, neighbour) : edgeKey(neighbour, node));
          const at = hops + (isFaded ? 2 : 1);
          if (at > maxHops || distances.has(neighbour)) continue;
          const round = rounds[at];
          if (round === undefined) rounds[at] = [neighbour];
          else round.push(neighbour);
        }
      }
      rounds[hops + 1] ??= [];
      if (hops >= maxHops) break;
    }
    return distances;
  }

  function siblingsOf(node: string): readonly CommonDependency[] {
    const nearest = new Map<string, CommonDependency>();
    const below = reach(node);
    const above = reachedBy(node);
    for (const [via, down] of below) {
      if ((callers.get(via) ?? NONE).length > hubDependents) continue;
      for (const [other, up] of reachedBy(via)) {
        if (other === node || below.has(other) || above.has(other)) continue;
        const known = nearest.get(other);
        if (!known || known.hops > down + up) nearest.set(other, { node: other, via, hops: down + up });
      }
      if (nearest.size > MAX_SIBLINGS) break;
    }
    return [...nearest.values()];
  }

  const families = new Map<string, number>();
  const nodes = [...new Set(nodeOf.values())];
  for (const node of nodes) for (const family of familiesOf(node)) families.set(family, (families.get(family) ?? 0) + 1);
  const isHub = (node: string) => (callers.get(node) ?? NONE).length > hubDependents || (calls.get(node) ?? NONE).length > hubDependents;

  const memo = <T>(compute: (node: string) => T) => {
    const kept = new Map<string, T>();
    return (node: string): T => {
      const known = kept.get(node);
      if (known !== undefined) return known;
      const value = compute(node);
      kept.set(node, value);
      return value;
    };
  };
  const reach = memo((node) => closure(calls, node, true));
  const reachedBy = memo((node) => closure(callers, node, false));
  const siblings = memo(siblingsOf);

  return {
    nodes,
    resolve(name, namespace) {
      const exact = nodeOf.get(name) ?? (namespace === undefined ? undefined : nodeOf.get(`${namespace}/${name}`));
      if (exact !== undefined) return exact;
      if (nodeOf.size === 0) return undefined;
      const workload = parseWorkload(name);
      const sameWorkload = byWorkload.get(`${workload.base}#${workload.ordinal}`);
      if (sameWorkload !== undefined) return sameWorkload;
      if (workload.ordinal !== "") return undefined;
      const sameBase = byBase.get(workload.base);
      return sameBase?.size === 1 ? sameBase.values().next().value : undefined;
    },
    isConnected: memo((node) => [...(calls.get(node) ?? NONE), ...(callers.get(node) ?? NONE)].some((other) => !isHub(other))),
    familyShare: (family) => (nodes.length === 0 ? undefined : (families.get(family) ?? 0) / nodes.length),
    reach,
    reachedBy,
    dependencies: (node) => calls.get(node) ?? NONE,
    dependents: (node) => callers.get(node) ?? NONE,
    siblings,
    labels: (node) => labelsOf.get(node) ?? {},
  };
}

export const EMPTY_GRAPH: Graph = compileGraph({ services: [] }, 1, 1);
