import * as z from "zod";
import { Timestamp } from "./primitives.ts";

export const DrillRequest = z.object({
  fault: z.string().min(1),
  target: z.string().min(1),
  /** How long the fault stays when nothing fixes it, and the drill's deadline, in seconds. */
  seconds: z.number().int().min(10).max(3600).default(300),
});
export type DrillRequest = z.output<typeof DrillRequest>;

/** A scored exercise: what was injected, what the platform made of it, and when. */
export const DrillView = z.object({
  id: z.string(),
  fault: z.string(),
  target: z.string(),
  seconds: z.number(),
  state: z.enum(["running", "passed", "failed"]),
  incidentId: z.string().optional(),
  at: z.object({
    injected: Timestamp,
    fired: Timestamp.optional(),
    incident: Timestamp.optional(),
    cause: Timestamp.optional(),
    action: Timestamp.optional(),
    verified: Timestamp.optional(),
    closed: Timestamp.optional(),
  }),
  cause: z.object({ expected: z.string(), found: z.string().optional(), right: z.boolean() }),
  action: z.object({ expected: z.string(), taken: z.string().optional(), right: z.boolean() }),
  reason: z.string().optional(),
});
export type DrillView = z.output<typeof DrillView>;

/** A fault that a drill can inject, and which action is the right answer to it. */
export const FaultView = z.object({
  id: z.string(),
  title: z.string(),
  text: z.string(),
  targets: z.array(z.string()),
  expectedAction: z.string(),
});
export type FaultView = z.output<typeof FaultView>;
