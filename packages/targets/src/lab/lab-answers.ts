import * as z from "zod";

const ReplicaAnswer = z.object({
  id: z.string(),
  state: z.enum(["running", "restarting", "exited", "created", "paused"]),
  healthy: z.boolean(),
  startedAt: z.string().optional(),
  restarts: z.number(),
  exitCode: z.number().optional(),
  oomKilled: z.boolean().optional(),
});
export const TargetAnswer = z.object({
  id: z.string(),
  managed: z.boolean(),
  replicas: z.array(ReplicaAnswer),
  revision: z.string(),
  previousRevision: z.string().optional(),
  labels: z.record(z.string(), z.string()),
  config: z.record(z.string(), z.string().nullable()).optional(),
});
export const ActAnswer = z.object({ text: z.string(), before: TargetAnswer, after: TargetAnswer, incomplete: z.string().optional() });
export const LogItem = z.object({ at: z.number(), level: z.string(), message: z.string() });
export const ProblemAnswer = z.object({ code: z.string(), detail: z.string().optional(), known: z.array(z.string()).optional() });
export const Items = <Schema extends z.ZodType>(item: Schema) => z.object({ items: z.array(item) });
