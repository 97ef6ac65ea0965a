// Terms. A *dry run* is a plan as it would be made and judged this moment. It is found out by asking alone: nothing is locked, journalled,
// counted or acted on, and whatever it says may be different a moment later.
import * as z from "zod";
import { Timestamp } from "./primitives.ts";

/** One rule of the policy with what it says of a plan and why. Of several rules the strictest holds. */
export const PolicyVerdict = z.object({
  rule: z.string(),
  verdict: z.enum(["allow", "needs-approval", "refuse"]),
  text: z.string(),
});
export type PolicyVerdict = z.output<typeof PolicyVerdict>;

const CheckNow = z.object({ holds: z.boolean(), text: z.string() });

/** What a runbook has to be told, and where that comes from. */
const WantedParameter = z.object({
  name: z.string(),
  /** `cause.service`, `alert.label.<label>`, or `operator`: a person gives it. */
  origin: z.string(),
  description: z.string().optional(),
  /** What it is when its origin gives nothing. */
  default: z.string().optional(),
});

export const DryRunView = z.discriminatedUnion("kind", [
  /** There is no plan to judge: a parameter is missing, unknown or not allowed, or the runbook is no longer what was asked for. */
  z.object({ kind: z.literal("refused"), at: Timestamp, reason: z.string(), wants: z.array(WantedParameter).readonly() }),
  z.object({
    kind: z.literal("plan"),
    at: Timestamp,
    wants: z.array(WantedParameter).readonly(),
    digest: z.string(),
    /** The exact effect in words, as an approval shows it. */
    effect: z.string(),
    risk: z.enum(["low", "medium", "high"]),
    /** The most that the runbook itself may be allowed. */
    autonomy: z.string(),
    reversibility: z.string(),
    parameters: z.record(z.string(), z.string()).readonly(),
    targets: z.array(z.object({ id: z.string(), text: z.string() })).readonly(),
    steps: z
      .array(
        z.object({
          id: z.string(),
          deed: z.string(),
          acts: z.boolean(),
          undo: z.string().optional(),
          reversibility: z.string(),
          /** What has to hold before it acts, as it answers now. */
          preconditions: z.array(CheckNow).readonly(),
          /** What will be checked afterwards, as it answers now. */
          checks: z.array(CheckNow).readonly(),
        }),
      )
      .readonly(),
    policy: z.object({
      verdict: PolicyVerdict.shape.verdict,
      environment: z.string(),
      /** The level that held: the lowest of all that apply. */
      autonomy: z.string(),
      /** Only an approval given for an emergency would be enough. */
      emergencyOnly: z.boolean(),
      /** Refused only for what passes: worth asking again after so many seconds. */
      retrySeconds: z.number().optional(),
      /** Every rule, in the order they were asked. */
      reasons: z.array(PolicyVerdict).readonly(),
    }),
  }),
]);
export type DryRunView = z.output<typeof DryRunView>;
