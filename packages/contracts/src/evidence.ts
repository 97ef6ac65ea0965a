import * as z from "zod";
import { Timestamp } from "./primitives.ts";

/** A fact that speaks for or against a cause, with what a person needs to look it up. The id is minted by us. */
export const Evidence = z.object({
  id: z.string(),
  kind: z.enum(["alert", "metric", "log", "trace", "change", "topology"]),
  service: z.string().optional(),
  /** One sentence with its numbers. */
  text: z.string(),
  /** The query or path that shows it. */
  query: z.string().optional(),
  link: z.string().optional(),
  /** Numbers kept for the chart: ascending samples, the onset in Unix seconds, the baseline. */
  chart: z
    .object({
      unit: z.string(),
      samples: z.array(z.tuple([z.number(), z.number().nullable()])),
      onsetAt: z.number().optional(),
      baseline: z.number().optional(),
      /** The line that a rule draws. */
      threshold: z.number().optional(),
    })
    .optional(),
});
export type Evidence = z.output<typeof Evidence>;

export const CauseKind = z.enum(["resource", "code-error", "dependency-latency", "crash", "change", "saturation", "hang", "external"]);
export type CauseKind = z.output<typeof CauseKind>;

/** A ranked answer to "what broke?". */
export const Cause = z.object({
  service: z.string(),
  kind: CauseKind,
  /** Comparable inside one ranking only. */
  score: z.number(),
  /** 0 to 1. */
  confidence: z.number().min(0).max(1),
  text: z.string(),
  evidence: z.array(z.string()), // evidence ids
});
export type Cause = z.output<typeof Cause>;

/** The outcome of a diagnosis: ranked causes, or an honest `inconclusive` with what would settle it. */
export const Diagnosis = z.object({
  verdict: z.enum(["cause", "inconclusive"]),
  causes: z.array(Cause),
  evidence: z.array(Evidence),
  /** Why nothing was singled out, and what would settle it. */
  unsettled: z.string().optional(),
  /** Sources that did not answer, in words. */
  missing: z.array(z.string()),
  at: Timestamp,
});
export type Diagnosis = z.output<typeof Diagnosis>;

/** Which model said it, from which prompt, and what it cost. */
export const ModelNote = z.object({
  provider: z.string(),
  model: z.string(),
  prompt: z.object({ name: z.string(), version: z.number().int(), hash: z.string() }),
  costUsd: z.number().optional(),
});
export type ModelNote = z.output<typeof ModelNote>;

/** An incident in a model's words: each sentence was checked against the evidence that it names. The facts stay where they are. */
export const Narration = z.object({
  /** At most 280 characters, for a chat message or a phone. */
  short: z.string(),
  sentences: z.array(z.object({ text: z.string(), evidence: z.array(z.string()) })),
  model: ModelNote,
  at: Timestamp,
});
export type Narration = z.output<typeof Narration>;
