import { Counter, Histogram, type Registry } from "prom-client";
import type { DropReason } from "./advice/check-sentence.ts";

export type EscalationWhy = "inconclusive" | "no-runbook" | "only-looked" | "run-ended-badly" | "not-recovered" | "given-up";

export interface AgentMetrics {
  investigated(verdict: "cause" | "inconclusive", seconds: number): void;
  escalated(why: EscalationWhy): void;
  /** From the incident's start to its closing. */
  closed(how: "mitigated" | "recovered", seconds: number): void;
  /** The graph failed and the round went on without it. */
  graphFailed(): void;
  /** Sentences of a model: how many were shown, and why each of the others was not. */
  sentences(kept: number, dropped: readonly DropReason[]): void;
}

export function createMetrics(registry: Registry): AgentMetrics {
  const registers = [registry];
  const investigations = new Counter({
    name: "tocsin_sre_agent_investigations_total",
    help: "Investigations, by what they came to.",
    labelNames: ["verdict"],
    registers,
  });
  const duration = new Histogram({
    name: "tocsin_sre_agent_investigation_duration_seconds",
    help: "From the start of a round to its end.",
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120],
    registers,
  });
  const escalations = new Counter({
    name: "tocsin_sre_agent_escalations_total",
    help: "Incidents handed to a person, by why.",
    labelNames: ["why"],
    registers,
  });
  const toClose = new Histogram({
    name: "tocsin_sre_agent_time_to_close_seconds",
    help: "From an incident's start to its closing, by how it ended.",
    labelNames: ["how"],
    buckets: [15, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400],
    registers,
  });
  const graphFailures = new Counter({
    name: "tocsin_sre_agent_graph_failures_total",
    help: "Rounds that went on without the investigation graph because it or its checkpoints failed.",
    registers,
  });
  const sentences = new Counter({
    name: "tocsin_sre_agent_sentences_total",
    help: "Sentences that a model wrote, by what the check said: kept, or why not.",
    labelNames: ["outcome"],
    registers,
  });
  return {
    investigated: (verdict, seconds) => {
      investigations.inc({ verdict });
      duration.observe(seconds);
    },
    escalated: (why) => escalations.inc({ why }),
    closed: (how, seconds) => toClose.observe({ how }, seconds),
    graphFailed: () => graphFailures.inc(),
    sentences: (kept, dropped) => {
      if (kept > 0) sentences.inc({ outcome: "kept" }, kept);
      for (const why of dropped) sentences.inc({ outcome: why });
    },
  };
}
