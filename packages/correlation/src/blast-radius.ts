import type { Graph } from "./graph.ts";

export interface BlastRadius {
  /** Services of the members, as the topology names them. */
  readonly affected: readonly string[];
  /** Services that depend on an affected one and show nothing yet, the nearest first. */
  readonly next: readonly { readonly service: string; readonly hops: number; readonly through: string }[];
}

/** How many services ahead are named. */
const MAX_NEXT = 50;

/**
 * Which services are affected and which are next: faults travel from what is called to its callers.
 *
 * @param nodes the nodes of an incident's members
 * @param maxHops how many calls ahead to look. Default 2.
 */
export function blastRadius(graph: Graph, nodes: Iterable<string>, maxHops = 2): BlastRadius {
  const affected = [...new Set(nodes)].filter((node) => node !== "").sort();
  const hit = new Set(affected);
  const next = new Map<string, { service: string; hops: number; through: string }>();
  for (const node of affected) {
    for (const [service, hops] of graph.reachedBy(node)) {
      if (hops > maxHops || hit.has(service)) continue;
      const known = next.get(service);
      if (known === undefined || hops < known.hops) next.set(service, { service, hops, through: node });
    }
  }
  const ordered = [...next.values()].sort((a, b) => a.hops - b.hops || (a.service < b.service ? -1 : 1));
  return { affected, next: ordered.slice(0, MAX_NEXT) };
}
