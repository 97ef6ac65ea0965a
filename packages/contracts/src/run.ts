// Terms. A *runbook* is a text with typed steps. A *run* is one execution of a runbook for an incident; its *digest*
// covers the runbook's text and the parameters, and it is what an approval is bound to. A *step run* is one try of a step.
import * as z from "zod";
import { Timestamp } from "./primitives.ts";

/** Verbs that change a managed target. */
export const TARGET_ACTS = [
  "target.restart",
  "target.start",
  "target.stop",
  "target.rollback",
  "target.scale",
  "target.config",
  "target.recreate",
  "target.reconnect",
] as const;
/** Verbs of steps that change something; looking and waiting are no answer to a fault. */
export const ACTING_VERBS: readonly string[] = [...TARGET_ACTS, "container.run", "http.request"];

export const RunState = z.enum([
  "requested", // asked for, not yet looked at by the executor
  "awaiting-approval",
  "denied", // by a person, or the approval expired
  "refused", // by policy or limits, with the reason
  "running",
  "succeeded", // every step done and verified
  "failed", // did not help, and what could be undone was undone
  "unknown", // a crash in mid-step; nobody knows whether it acted: a person decides
]);
export type RunState = z.output<typeof RunState>;

export const StepState = z.enum(["pending", "running", "succeeded", "failed", "skipped", "undone", "unknown"]);
export type StepState = z.output<typeof StepState>;

export const StepView = z.object({
  id: z.string(),
  verb: z.string(),
  state: StepState,
  startedAt: Timestamp.optional(),
  finishedAt: Timestamp.optional(),
  /** What the step printed or found, capped and redacted. */
  output: z.string().optional(),
  /** `undo` when this is the reverse of an earlier step. */
  role: z.enum(["act", "undo"]),
});
export type StepView = z.output<typeof StepView>;

export const RunView = z.object({
  id: z.string(),
  incidentId: z.string(),
  /** The runbook's id. */
  runbook: z.string(),
  title: z.string(),
  digest: z.string(),
  parameters: z.record(z.string(), z.string()),
  state: RunState,
  reason: z.string().optional(),
  requestedAt: Timestamp,
  finishedAt: Timestamp.optional(),
  steps: z.array(StepView),
});
export type RunView = z.output<typeof RunView>;

/** A question to a person, bound to the exact digest of what would be done. */
export const ApprovalView = z.object({
  id: z.string(),
  runId: z.string(),
  incidentId: z.string(),
  digest: z.string(),
  state: z.enum(["pending", "approved", "denied", "expired"]),
  /** The exact effect in words: verbs, targets, undo. */
  effect: z.string(),
  reason: z.string(),
  requestedAt: Timestamp,
  expiresAt: Timestamp,
  decidedBy: z.string().optional(),
  decidedAt: Timestamp.optional(),
});
export type ApprovalView = z.output<typeof ApprovalView>;
