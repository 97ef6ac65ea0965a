// Whether a requested run may begin. Outside facts are gathered first; then one transaction, alone among all executors, counts what runs and
// what ran, decides, and takes the locks: two runs that would together break a limit are never both admitted.
import { type Decision, decide, type PolicyConfig, planWith, type Runbook, type RunPlan, reasonsInWords } from "@tocsin/runbooks";
import { isoTime, type Queryable, type Sql } from "@tocsin/runtime";
import {
  appendEvents,
  appendJournal,
  approvalOfRun,
  insertApproval,
  lockTargets,
  moveIncident,
  moveRun,
  type RunRow,
  setRunTargets,
  viewIncident,
} from "@tocsin/store";
import { approvalAsked, finished, SOURCE, started } from "./action-events.ts";
import { type DryRun, dryRun } from "./dry-run.ts";
import { runFenced } from "./errors.ts";
import { completeFacts, type FactSources, gatherOutside } from "./facts.ts";
import type { ExecutorMetrics } from "./metrics.ts";
import type { RunbookLibrary } from "./runbook-library.ts";

export interface AdmissionOptions extends FactSources {
  readonly sql: Sql;
  readonly policy: PolicyConfig;
  readonly metrics: ExecutorMetrics;
  readonly approvalMinutes: number;
  readonly maxWaitSeconds: number;
  readonly lockLeaseMs: number;
}

export type Admission =
  | { readonly kind: "admitted"; readonly run: RunRow; readonly plan: RunPlan }
  /** Nothing to do now: it waits for a person, or has come to its end. */
  | { readonly kind: "settled" }
  /** Something else is under way: ask again after so many seconds. */
  | { readonly kind: "later"; readonly seconds: number };

/** Serialises decisions. Taken before the journal's and the event log's locks by whoever needs them too. */
const ADMISSION_LOCK = 7_404;

/** Decides on a run in state `requested` or `awaiting-approval`. @param run as taken up, with its fence */
export async function admitRun(options: AdmissionOptions, run: RunRow): Promise<Admission> {
  const { sql, library } = options;
  const approval = await approvalOfRun(sql, run.id);
  if (run.state === "awaiting-approval" && approval?.state === "pending") return { kind: "settled" };

  const planned = await replanFrom(library, run);
  if (planned.kind === "refused") return refuse(options, run, planned.reason);
  const { plan, runbook } = planned;
  const incident = await viewIncident(sql, run.incidentId);
  if (!incident) return refuse(options, run, "its incident is not there");
  const outside = await gatherOutside(options, plan, runbook, incident, run.cause);
  // Targets, commands, checks and undo as they are now: part of every question to a person.
  const preview = await dryRun(options, plan, incident, outside);

  return sql.transaction(async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock($1)", [ADMISSION_LOCK]);
    const facts = await completeFacts(tx, options, run, plan, incident, outside);
    const beganAt = performance.now();
    const decision = decide(facts, options.policy);
    options.metrics.decided(decision, (performance.now() - beganAt) / 1_000);
    switch (decision.verdict) {
      case "allow":
        return begin(tx, options, run, plan, decision);
      case "needs-approval":
        return ask(tx, options, run, plan, decision, preview);
      case "refuse": {
        const waited = facts.now - Date.parse(run.requestedAt);
        if (decision.retryInMs !== undefined && waited + decision.retryInMs <= options.maxWaitSeconds * 1_000)
          return { kind: "later", seconds: Math.max(1, Math.ceil(decision.retryInMs / 1_000)) };
        return refuseIn(tx, options, run, reasonsInWords(decision), decision);
      }
    }
  });
}

type Replanned =
  | { readonly kind: "plan"; readonly plan: RunPlan; readonly runbook: Runbook }
  | { readonly kind: "refused"; readonly reason: string };

/** The plan again, from the runbook's file; when it is not the plan that was asked for, the file may have been edited since it was read. */
export async function replanFrom(library: RunbookLibrary, run: Pick<RunRow, "runbook" | "parameters" | "digest">): Promise<Replanned> {
  const known = replan(library.find(run.runbook), run);
  if (known.kind === "plan") return known;
  await library.reload();
  return replan(library.find(run.runbook), run);
}

/** Pure: the plan of a runbook with the stored parameters, if it is the very plan that was asked for. */
function replan(runbook: Runbook | undefined, run: Pick<RunRow, "runbook" | "parameters" | "digest">): Replanned {
  if (!runbook) return { kind: "refused", reason: `there is no runbook ${run.runbook}, or it does not load` };
  const plan = planWith(runbook, run.parameters);
  if (plan.kind === "refused") return plan;
  if (plan.digest !== run.digest)
    return { kind: "refused", reason: `the runbook ${run.runbook} or its parameters are not what was asked for` };
  return { kind: "plan", plan, runbook };
}

async function begin(tx: Queryable, options: AdmissionOptions, run: RunRow, plan: RunPlan, decision: Decision): Promise<Admission> {
  const { clock } = options;
  const now = clock.now();
  const at = isoTime(now);
  const holder = await lockTargets(tx, run.id, plan.targets, now, options.lockLeaseMs);
  // The rules saw every lock under the same advisory lock; one that appeared since can only be of somebody who does not take it.
  if (holder) return { kind: "later", seconds: 5 };
  if (!(await moveRun(tx, run, ["requested", "awaiting-approval"], "running", { startedAt: at }))) throw runFenced(run.id);
  await setRunTargets(tx, run.id, plan.targets);
  await appendJournal(tx, {
    at,
    actor: "module:executor",
    action: "run.admit",
    subject: run.id,
    body: { runbook: run.runbook, digest: run.digest, parameters: run.parameters, targets: plan.targets, reasons: decision.reasons },
  });
  // An approval that came while the incident still waited has moved it on already; this is for one that was never asked for.
  await appendEvents(tx, [started(run, now, plan.effect)]);
  return { kind: "admitted", run: { ...run, state: "running", startedAt: at }, plan };
}

async function ask(
  tx: Queryable,
  options: AdmissionOptions,
  run: RunRow,
  plan: RunPlan,
  decision: Decision,
  preview: DryRun,
): Promise<Admission> {
  const now = options.clock.now();
  const reason = reasonsInWords(decision);
  const asked = await approvalOfRun(tx, run.id);
  const id = `apr_${run.id}_${asked === undefined ? 1 : Number(/_(\d+)$/.exec(asked.id)?.[1] ?? 0) + 1}`;
  if (!(await moveRun(tx, run, ["requested", "awaiting-approval"], "awaiting-approval", { reason }))) throw runFenced(run.id);
  await insertApproval(
    tx,
    {
      id,
      runId: run.id,
      incidentId: run.incidentId,
      digest: run.digest,
      effect: [preview.text, "Policy:", ...decision.reasons.map(({ rule, verdict, text }) => `${rule}: ${verdict}: ${text}`)].join("\n"),
      reason,
      risk: plan.risk,
      proposedBy: run.requestedBy,
      emergencyOnly: decision.emergencyOnly,
      expiresAt: isoTime(now + options.approvalMinutes * 60_000),
    },
    now,
  );
  await appendJournal(tx, {
    at: isoTime(now),
    actor: "module:executor",
    action: "approval.ask",
    subject: run.id,
    body: { approval: id, digest: run.digest, reasons: decision.reasons },
  });
  await moveIncident(tx, {
    incidentId: run.incidentId,
    to: "awaiting-approval",
    from: ["mitigating", "investigating"],
    text: `a person is asked: ${reason}`,
    source: SOURCE,
    eventId: `${id}:awaiting`,
    nowMs: now,
  });
  await appendEvents(tx, [approvalAsked(run, now, id, reason)]);
  return { kind: "settled" };
}

const refuse = (options: AdmissionOptions, run: RunRow, reason: string): Promise<Admission> =>
  options.sql.transaction((tx) => refuseIn(tx, options, run, reason));

async function refuseIn(tx: Queryable, options: AdmissionOptions, run: RunRow, reason: string, decision?: Decision): Promise<Admission> {
  const now = options.clock.now();
  if (!(await moveRun(tx, run, ["requested", "awaiting-approval"], "refused", { reason, finishedAt: isoTime(now) })))
    throw runFenced(run.id);
  await appendJournal(tx, {
    at: isoTime(now),
    actor: "module:executor",
    action: "run.refuse",
    subject: run.id,
    body: { reason, reasons: decision?.reasons ?? [] },
  });
  await appendEvents(tx, [finished(run, now, "refused", reason)]);
  options.metrics.finished("refused", undefined);
  return { kind: "settled" };
}
