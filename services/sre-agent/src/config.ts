import * as z from "zod";

const seconds = (fallback: number) => z.coerce.number().min(0).default(fallback);
const count = (fallback: number) => z.coerce.number().int().positive().default(fallback);

export const SreAgentConfig = z.object({
  /** Where the runbooks are. */
  runbooksDir: z.string().min(1).default("runbooks"),
  /** From an incident's opening to its investigation, so that its symptoms arrive first. */
  settleSeconds: seconds(3),
  /** What is looked at before the incident. */
  baselineSeconds: count(900),
  /** How long before the first alert the trouble may have begun: rules have a `for:`, and damage grows. */
  leadSeconds: count(75),
  /** Between two samples of a signal, where the window is not too long for it. */
  stepSeconds: count(3),
  /** Services looked at, the nearest to the alerts first. */
  maxServices: count(150),
  /** Newest log lines asked of a service. */
  maxLogLines: count(2_000),
  /** For all questions of one gathering together. */
  gatherTimeoutSeconds: count(15),
  /** How long everything has to look good before an incident counts as resolved. */
  soakSeconds: seconds(10),
  /** How long a fix may take to show. */
  verifyWithinSeconds: count(180),
  /** Between two looks while verifying. */
  verifyEverySeconds: z.coerce.number().positive().default(2),
  /** From resolved to closed; a member that fires in this time takes the incident up again. */
  closeAfterSeconds: seconds(15),
  /** Rounds of investigation of one incident before a person is asked. */
  maxRounds: count(2),
  /** Incidents worked on at a time. */
  concurrency: count(4),
  /** How long a model may take over a hypothesis; the plan waits so long and no longer. */
  adviseTimeoutSeconds: count(20),
  /** From this confidence on a cause is not put to a model: the evidence leaves little to doubt. 1 always asks. */
  adviseBelow: z.coerce.number().min(0).max(1).default(0.9),
  /** How long a model may take over words for people; nothing waits for them. */
  narrateTimeoutSeconds: count(60),
  /** Requests to `ask`, `analyze` and `runbook-draft` from one address in a minute. */
  requestsPerMinute: count(30),
});
export type SreAgentConfig = z.output<typeof SreAgentConfig>;
