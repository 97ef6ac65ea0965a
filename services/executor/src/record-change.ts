// A runbook's record moves its autonomy: down by itself, at once; up only by a person, to whom it is proposed. Both in the transaction that ends the
// run which was the occasion, so that nothing runs on a trust that was lost.
import { limitsOf, type PolicyConfig, type RunFacts, type RunPlan, recordOf } from "@tocsin/runbooks";
import { isoTime, type Queryable } from "@tocsin/runtime";
import { appendEvents, appendJournal, insertAutonomyChange, lastAutonomyChange, type RunRow, runsStartedSince } from "@tocsin/store";
import { autonomyChanged } from "./action-events.ts";

const DAY_MS = 86_400_000;
const ACTOR = "module:executor";

interface JudgedBy {
  readonly policy: PolicyConfig;
  readonly environment: string;
  /** What the runbook itself allows; absent when it could not be read, and then nothing is proposed. */
  readonly plan?: Pick<RunPlan, "autonomy" | "risk">;
}

/** Looks at the record after a run has ended, and tells what changed. Call it late in the transaction: it appends to the journal. */
export async function judgeRecord(tx: Queryable, { policy, environment, plan }: JudgedBy, run: RunRow, nowMs: number): Promise<void> {
  const limits = limitsOf(policy, environment);
  const since = isoTime(nowMs - limits.recordDays * DAY_MS);
  const runs: readonly RunFacts[] = (await runsStartedSince(tx, since)).map(({ startedAt, finishedAt, ...past }) => ({
    ...past,
    startedAt: Date.parse(startedAt),
    ...(finishedAt === undefined ? {} : { finishedAt: Date.parse(finishedAt) }),
  }));
  const record = recordOf(run.runbook, runs, nowMs, limits);
  const last = await lastAutonomyChange(tx, run.runbook, environment);
  const isPromoted = last?.kind === "promoted" || policy.promotions.some((p) => p.runbook === run.runbook && p.environment === environment);

  const base = policy.environments[environment]?.autonomy ?? policy.autonomy;
  // Proposed only where a yes would change something.
  const couldRise = base === "L2" && plan?.autonomy === "L3" && plan.risk !== "high";
  if (record.isDemoted && last?.kind !== "demoted") {
    await tell("demoted", `${run.runbook} acts only after an approval from now on: ${record.text}`);
  } else if (
    couldRise &&
    record.mayBePromoted &&
    !record.isDemoted &&
    !isPromoted &&
    last?.kind !== "proposed" &&
    !declinedLately(last, since)
  ) {
    await tell("proposed", `${run.runbook} may be promoted to act by itself, if a person says so: ${record.text}`);
  }

  async function tell(kind: "demoted" | "proposed", reason: string): Promise<void> {
    const at = isoTime(nowMs);
    const change = { id: `${run.id}:${kind}`, runbook: run.runbook, environment, kind, reason, by: ACTOR, at, runId: run.id } as const;
    if (!(await insertAutonomyChange(tx, change))) return;
    await appendJournal(tx, {
      at,
      actor: ACTOR,
      action: `autonomy.${kind}`,
      subject: `runbook:${run.runbook}`,
      body: { environment, reason, run: run.id, runs: record.runs, succeeded: record.succeeded, regressions: record.regressions },
    });
    await appendEvents(tx, [autonomyChanged(run, nowMs, kind, reason)]);
  }
}

/** A person who said no is not asked again within the time of a record. */
const declinedLately = (last: { readonly kind: string; readonly at: string } | undefined, since: string): boolean =>
  last?.kind === "declined" && Date.parse(last.at) > Date.parse(since);
