import * as z from "zod";

/** `TOCSIN_EXECUTOR_<KEY>` */
export const ExecutorConfig = z.object({
  /** The folder of runbooks, relative to the working directory. */
  runbooksDir: z.string().min(1).default("runbooks"),
  /** What the policy calls this place. Default: `lab` when the targets are the lab's, else `production`. */
  environment: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/)
    .optional(),
  /** A YAML or JSON file with a policy; absent: the shipped defaults. */
  policyFile: z.string().min(1).optional(),
  /** How long a person may take to answer an approval. */
  approvalMinutes: z.coerce.number().positive().default(60),
  /** How long a run waits for a busy target or a short cool-down before it is refused. */
  maxWaitSeconds: z.coerce.number().min(0).default(120),
  /** Runs at a time in this process; the policy bounds them over all processes. */
  concurrency: z.coerce.number().int().min(1).max(20).default(3),
  /** Time between two looks while a step is verified. */
  verifyIntervalMs: z.coerce.number().int().min(50).default(2_000),
  /** How long a precondition may take to hold: signals lag behind what they show. */
  preconditionSeconds: z.coerce.number().min(0).default(20),
  /** Origins that `http.request` may call, separated by commas, e.g. `https://hooks.example.com`. */
  httpOrigins: z
    .string()
    .default("")
    .transform((text) => text.split(",").flatMap((part) => part.trim() || []))
    .pipe(z.array(z.url({ protocol: /^https?$/ }).transform((text) => new URL(text).origin))),
  /** Where signed heads of the journal are kept, with the key that signs them; absent: none are. */
  auditDir: z.string().min(1).optional(),
  /** Entries of the journal between two signed heads. */
  auditEvery: z.coerce.number().int().positive().default(100),
  /** Presses the red button from the environment, whatever the database says. */
  redButton: z.stringbool().default(false),
  /** While this file exists, the red button is pressed. */
  redButtonFile: z.string().min(1).optional(),
});
export type ExecutorConfig = z.output<typeof ExecutorConfig>;
