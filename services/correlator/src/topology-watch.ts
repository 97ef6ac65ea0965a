import type { Topology } from "@tocsin/contracts";
import { type CorrelationConfig, compileGraph, EMPTY_GRAPH, fadedEdges, type Graph } from "@tocsin/correlation";
import { type Clock, canonicalJson, type Logger, messageOf } from "@tocsin/runtime";
import type { TopologyPort } from "@tocsin/signals";

export interface TopologyWatch {
  /** The graph to correlate with now; empty until the topology first answered. */
  graph(): Graph;
  ageSeconds(): number;
  stop(): Promise<void>;
}

/**
 * Asks for the topology now and then, outside any transaction. When it does not answer, the last one stays: old edges are better
 * than none. The graph is compiled anew only when something in it changed.
 */
export function watchTopology(options: {
  readonly port: TopologyPort;
  readonly config: CorrelationConfig;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}): TopologyWatch & { readonly first: Promise<void> } {
  const { port, config, everyMs, clock, log } = options;
  const stopping = new AbortController();
  let graph = EMPTY_GRAPH;
  let known = "";
  let learnedAt = clock.now();
  let failing = false;

  async function ask(): Promise<void> {
    try {
      const topology: Topology = await port.current();
      learnedAt = clock.now();
      failing = false;
      // Ages change all the time; what they come to seldom does.
      const text = canonicalJson({ services: topology.services, faded: fadedEdges(topology) });
      if (text === known) return;
      known = text;
      graph = compileGraph(topology, config.maxHops, config.hubDependents);
      log.info({ services: topology.services.length }, "topology changed");
    } catch (err) {
      if (!failing) log.warn({ err, reason: messageOf(err) }, "topology away, the last one stays");
      failing = true;
    }
  }

  const first = ask();
  const running = (async () => {
    await first;
    while (!stopping.signal.aborted) {
      await clock.sleep(everyMs, stopping.signal).catch(() => {});
      if (!stopping.signal.aborted) await ask();
    }
  })();
  return {
    first,
    graph: () => graph,
    ageSeconds: () => (clock.now() - learnedAt) / 1000,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
