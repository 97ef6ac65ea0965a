// What would happen if a runbook were asked for now: planned, looked at and judged as an admission does it, by the same functions, and then
// left at that. The transaction that reads is one in which the database itself refuses to write.
import type { DryRunView, IncidentView } from "@tocsin/contracts";
import { decide, type Planned, planRun, planWith, type Runbook } from "@tocsin/runbooks";
import { isoTime, type Sql } from "@tocsin/runtime";
import { findRun, type RunRow, viewIncident } from "@tocsin/store";
import { dryRun } from "./dry-run.ts";
import { incidentUnknown, runbookUnknown, runUnknown } from "./errors.ts";
import { completeFacts, type FactSources, gatherOutside } from "./facts.ts";

export interface Wish {
  readonly runbook: string;
  readonly incidentId: string;
  /** A run of this runbook for this incident: its own parameters and cause, its own place among the limits while it waits. */
  readonly runId?: string;
  /** What a person would give, for parameters of origin `operator`. */
  readonly given?: Readonly<Record<string, string>>;
}

/**
 * Asks, acts on nothing, writes nothing and counts nothing, in no limit and in no metric.
 *
 * @throws AppError `RUNBOOK_UNKNOWN`, `INCIDENT_UNKNOWN`, `RUN_UNKNOWN`; as the target system, when it cannot be asked
 */
export async function foresee(options: FactSources & { readonly sql: Sql }, wish: Wish): Promise<DryRunView> {
  const { sql, library, clock } = options;
  // As the file is now: who edits a runbook looks at what it would do before anybody asks for it.
  await library.reload();
  const runbook = library.find(wish.runbook);
  if (!runbook)
    throw runbookUnknown(
      wish.runbook,
      library.runbooks.map(({ id }) => id),
    );
  const incident = await viewIncident(sql, wish.incidentId);
  if (!incident) throw incidentUnknown(wish.incidentId);
  const run = wish.runId === undefined ? undefined : await findRun(sql, wish.runId);
  if (wish.runId !== undefined && (run?.incidentId !== incident.id || run.runbook !== runbook.id)) throw runUnknown(wish.runId);

  const at = isoTime(clock.now());
  const wants = wantsOf(runbook);
  const plan = planFor(runbook, incident, run, wish.given);
  if (plan.kind === "refused") return { kind: "refused", at, reason: plan.reason, wants };
  const outside = await gatherOutside(options, plan, runbook, incident, run?.cause);
  const preview = await dryRun(options, plan, incident, outside);
  // A run that is over would be asked for anew, as another one: what it did counts against it.
  const waits = run?.state === "requested" || run?.state === "awaiting-approval";
  const as = { id: waits ? run.id : "", incidentId: incident.id, runbook: runbook.id };
  const decision = await sql.transaction(async (tx) => {
    await tx.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    return decide(await completeFacts(tx, options, as, plan, incident, outside), options.policy);
  });
  const { verdict, reasons, autonomy, emergencyOnly, retryInMs } = decision;
  return {
    kind: "plan",
    at,
    wants,
    digest: plan.digest,
    effect: plan.effect,
    risk: plan.risk,
    autonomy: plan.autonomy,
    reversibility: plan.reversibility,
    parameters: plan.parameters,
    targets: preview.targets,
    steps: preview.steps,
    policy: {
      verdict,
      environment: options.environment,
      autonomy,
      emergencyOnly,
      ...(retryInMs === undefined ? {} : { retrySeconds: Math.ceil(retryInMs / 1_000) }),
      reasons,
    },
  };
}

/** Pure: the plan that the run stands for, else the one that would be made for the incident. */
function planFor(runbook: Runbook, incident: IncidentView, run: RunRow | undefined, given: Wish["given"]): Planned {
  if (run) {
    const plan = planWith(runbook, run.parameters);
    return plan.kind === "plan" && plan.digest !== run.digest
      ? { kind: "refused", reason: `the runbook ${runbook.id} was edited since this was asked for` }
      : plan;
  }
  const [cause] = incident.verdict === "cause" ? incident.causes : [];
  return planRun(runbook, {
    members: incident.members,
    ...(cause === undefined ? {} : { cause, evidence: cause.evidence }),
    ...(given === undefined ? {} : { operator: given }),
  });
}

const wantsOf = (runbook: Runbook): DryRunView["wants"] =>
  Object.entries(runbook.parameters).map(([name, { origin, description, default: otherwise }]) => ({
    name,
    origin,
    ...(description === undefined ? {} : { description }),
    ...(otherwise === undefined ? {} : { default: otherwise }),
  }));
