import type { EdgeStats, Topology } from "@tocsin/contracts";

/** Who calls whom, from every source that knows. */
export interface CallGraph {
  readonly services: ReadonlySet<string>;
  callees(service: string): ReadonlySet<string>;
  callers(service: string): ReadonlySet<string>;
  /** Calls from one to the other in hops over callees; 0 for itself, undefined when it never gets there within `limit`. */
  hops(from: string, to: string): number | undefined;
  /** All that can be reached over callees (or callers), nearest first, without itself. */
  reach(service: string, direction: "callees" | "callers"): readonly { readonly service: string; readonly hops: number }[];
}

const NONE: ReadonlySet<string> = new Set();
const MAX_HOPS = 5;

export function callGraphOf(topology: Topology, edges: readonly Pick<EdgeStats, "from" | "to">[], others: Iterable<string>): CallGraph {
  const down = new Map<string, Set<string>>();
  const up = new Map<string, Set<string>>();
  const services = new Set<string>(others);
  const link = (from: string, to: string) => {
    services.add(from).add(to);
    if (from === to) return;
    (down.get(from) ?? down.set(from, new Set()).get(from))?.add(to);
    (up.get(to) ?? up.set(to, new Set()).get(to))?.add(from);
  };
  for (const service of topology.services) {
    services.add(service.id);
    for (const callee of service.dependsOn) link(service.id, callee);
  }
  for (const edge of edges) link(edge.from, edge.to);

  const reached = new Map<string, { service: string; hops: number }[]>();
  function reach(service: string, direction: "callees" | "callers") {
    const key = `${direction}\u0000${service}`;
    const known = reached.get(key);
    if (known) return known;
    const next = direction === "callees" ? down : up;
    const seen = new Set([service]);
    const found: { service: string; hops: number }[] = [];
    let frontier = [service];
    for (let hops = 1; hops <= MAX_HOPS && frontier.length > 0; hops++) {
      const following: string[] = [];
      for (const each of frontier) {
        for (const neighbour of next.get(each) ?? NONE) {
          if (seen.has(neighbour)) continue;
          seen.add(neighbour);
          found.push({ service: neighbour, hops });
          following.push(neighbour);
        }
      }
      frontier = following;
    }
    reached.set(key, found);
    return found;
  }
  return {
    services,
    callees: (service) => down.get(service) ?? NONE,
    callers: (service) => up.get(service) ?? NONE,
    hops: (from, to) => (from === to ? 0 : reach(from, "callees").find((each) => each.service === to)?.hops),
    reach,
  };
}
