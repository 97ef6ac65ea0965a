// Terms. *Declared* topology is what somebody who knows says: a file, an orchestrator. *Measured* edges are calls that were seen; nobody says
// when one has ended, so they *fade*: full strength while they are fresh, less and less afterwards, and gone in the end.
import type { Topology, TopologyEdge } from "@tocsin/contracts";
import { mergeTopology } from "./topology.ts";

export interface TopologyMemory {
  /** What a person or an orchestrator says, as a whole: what it no longer says is no longer so. */
  declare(source: "file" | "lab", topology: Topology): void;
  /** Calls that were seen. */
  measure(edges: readonly { readonly from: string; readonly to: string }[], atMs: number): void;
  /** All of it, the declared parts first; `edges` tells where each edge comes from and how fresh it is. */
  current(nowMs: number): Topology;
}

export interface FadeOptions {
  /** A measured edge counts in full for so long after it was last seen, in milliseconds. Default 1 hour: a night is quiet, a crash cuts calls off. */
  readonly freshMs?: number;
  /** After so long it is forgotten, in milliseconds. Default 24 hours. */
  readonly forgetMs?: number;
  /** Most measured edges kept; the longest unseen go first. Default 20,000. */
  readonly maxEdges?: number;
}

const HOUR_MS = 3_600_000;

/** Pure: what is left of an edge that was last seen so long ago, 0 to 1. */
export function strengthAfter(ageMs: number, freshMs: number, forgetMs: number): number {
  if (ageMs <= freshMs) return 1;
  return Math.max(0, 1 - (ageMs - freshMs) / (forgetMs - freshMs));
}

export function createTopologyMemory({ freshMs = HOUR_MS, forgetMs = 24 * HOUR_MS, maxEdges = 20_000 }: FadeOptions = {}): TopologyMemory {
  const declared = new Map<"file" | "lab", Topology>();
  /** By edge, in order of when it was last seen. */
  const seen = new Map<string, { readonly from: string; readonly to: string; readonly at: number }>();
  const keyOf = (from: string, to: string): string => JSON.stringify([from, to]);

  return {
    declare(source, topology) {
      declared.set(source, topology);
    },
    measure(edges, atMs) {
      for (const { from, to } of edges) {
        if (from === to) continue;
        const key = keyOf(from, to);
        const before = seen.get(key);
        seen.delete(key);
        seen.set(key, { from, to, at: Math.max(atMs, before?.at ?? 0) });
      }
      for (const key of seen.keys()) {
        if (seen.size <= maxEdges) break;
        seen.delete(key);
      }
    },
    current(nowMs) {
      const edges = new Map<string, TopologyEdge & { sources: TopologyEdge["sources"][number][] }>();
      for (const source of ["file", "lab"] as const)
        for (const { id, dependsOn } of declared.get(source)?.services ?? [])
          for (const to of dependsOn) {
            const edge = edges.get(keyOf(id, to)) ?? { from: id, to, sources: [], strength: 1 };
            if (id !== to && !edge.sources.includes(source)) edge.sources.push(source);
            if (id !== to) edges.set(keyOf(id, to), edge);
          }
      for (const [key, { from, to, at }] of seen) {
        const strength = strengthAfter(nowMs - at, freshMs, forgetMs);
        if (strength === 0) {
          seen.delete(key);
          continue;
        }
        const known = edges.get(key);
        const seenAt = new Date(at).toISOString();
        edges.set(
          key,
          known ? { ...known, sources: [...known.sources, "calls"], seenAt } : { from, to, sources: ["calls"], seenAt, strength },
        );
      }
      const measured: Topology = { services: [...edges.values()].map(({ from, to }) => ({ id: from, dependsOn: [to], labels: {} })) };
      const { services } = mergeTopology(...declared.values(), measured);
      return { services, edges: [...edges.values()].sort((a, b) => (keyOf(a.from, a.to) < keyOf(b.from, b.to) ? -1 : 1)) };
    },
  };
}
