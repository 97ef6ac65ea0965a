// The facts that a decision rests on, asked by the executor itself from the systems that know: the target system, the signals, the database.
// Nothing is taken from the request but its runbook, its parameters and its incident.
import type { IncidentView } from "@tocsin/contracts";
import {
  type ErrorBudget,
  matchRunbooks,
  type PolicyConfig,
  type PolicyFacts,
  type Runbook,
  type RunPlan,
  type Situation,
  type TargetFacts,
  type Verb,
} from "@tocsin/runbooks";
import { AppError, type Clock, isoTime, type Queryable } from "@tocsin/runtime";
import type { Signals } from "@tocsin/signals";
import { approvalOfRun, getSwitch, lastAutonomyChange, leftRevisions, lockHolders, type RunRow, runsStartedSince } from "@tocsin/store";
import type { Target, TargetPort } from "@tocsin/targets";
import { type Baselines, baselinesBefore } from "./baseline.ts";
import { worstBudget } from "./error-budget.ts";
import { ILLNESS_SIGNALS, illnessOf, type Vitals } from "./illness.ts";
import type { RedButton } from "./red-button.ts";
import type { RunbookLibrary } from "./runbook-library.ts";

export interface FactSources {
  readonly targets: TargetPort;
  readonly signals: Signals;
  readonly clock: Clock;
  readonly library: RunbookLibrary;
  readonly redButton: RedButton;
  readonly environment: string;
  readonly policy: PolicyConfig;
}

/** What other systems say: asked before the transaction that decides, so that it stays short. */
export interface OutsideFacts {
  readonly targets: readonly (TargetFacts & { readonly previousRevision?: string })[];
  readonly matched: PolicyFacts["matched"];
  readonly errorBudget?: ErrorBudget;
}

const DAY_MS = 86_400_000;
const FRESH_LOOK_SECONDS = 300;
const DEADLINE_MS = 5_000;
const CHANGES_SECONDS = 1_800;

export async function gatherOutside(
  sources: FactSources,
  plan: RunPlan,
  runbook: Runbook,
  incident: IncidentView,
  cause: RunRow["cause"],
): Promise<OutsideFacts> {
  const baselines = baselinesBefore(sources.signals.metrics, Date.parse(incident.startedAt) / 1_000);
  const [targets, changes, errorBudget] = await Promise.all([
    Promise.all(plan.targets.map((id) => targetFacts(sources, plan, id, incident, baselines))),
    changesBefore(sources, incident),
    worstBudget(sources, plan.targets),
  ]);
  const matched = howMatched(sources.library, runbook, { ...situationOf(incident, cause), changes });
  return { targets, matched, ...(errorBudget === undefined ? {} : { errorBudget }) };
}

/** The incident as the matcher sees it: with the cause that the run answers, as the stored diagnosis knows it. */
function situationOf(incident: IncidentView, answered: RunRow["cause"]): Situation {
  const known = incident.causes.find((cause) => cause.service === answered?.service && cause.kind === answered.kind) ?? incident.causes[0];
  if (known) return { members: incident.members, cause: known, evidence: known.evidence };
  return { members: incident.members, ...(answered === undefined ? {} : { cause: answered }) };
}

/** What was changed from half an hour before the incident on. A source that does not answer names none. */
async function changesBefore({ signals, clock }: FactSources, incident: IncidentView): Promise<NonNullable<Situation["changes"]>> {
  const from = Date.parse(incident.startedAt) / 1_000 - CHANGES_SECONDS;
  const answer = await signals.changes.between({ from, to: clock.now() / 1_000 + 1 }).catch(() => undefined);
  return answer?.value ?? [];
}

function howMatched(library: RunbookLibrary, runbook: Runbook, situation: Situation): PolicyFacts["matched"] {
  const found = matchRunbooks(library.runbooks, situation, library.texts);
  return found.kind === "none" ? "none" : (found.matches.find((match) => match.runbook.id === runbook.id)?.via ?? "none");
}

async function targetFacts(
  { targets, signals, clock }: FactSources,
  plan: RunPlan,
  id: string,
  incident: IncidentView,
  baselines: Baselines,
): Promise<OutsideFacts["targets"][number]> {
  const to = clock.now() / 1_000;
  const [target, seen] = await Promise.all([
    findTarget(targets, id),
    signals.metrics.signals([id], ILLNESS_SIGNALS, { from: to - FRESH_LOOK_SECONDS, to: to + 1 }, 5, { deadlineMs: DEADLINE_MS }),
  ]);
  const now: { -readonly [Key in keyof Vitals]: Vitals[Key] } = {};
  let lastSampleAt: number | undefined;
  for (const { signal, samples } of seen.value) {
    const last = samples.filter(([, value]) => !Number.isNaN(value)).at(-1);
    if (!last) continue;
    lastSampleAt = Math.max(lastSampleAt ?? 0, last[0] * 1_000);
    if (isVital(signal)) now[signal] = last[1];
  }
  const before = Object.fromEntries(
    await Promise.all(ILLNESS_SIGNALS.map(async (signal) => [signal, await baselines.signal(id, signal).catch(() => undefined)] as const)),
  );
  const fires = incident.members.some((member) => member.service === id && member.status === "firing");
  return {
    id,
    known: target !== undefined,
    managed: target?.managed ?? false,
    replicas: {
      total: target?.replicas.length ?? 0,
      healthy: target?.replicas.filter((replica) => replica.healthy && replica.state === "running").length ?? 0,
    },
    taken: target ? takenBy(plan, target) : 0,
    configNames: Object.keys(target?.config ?? {}),
    hasPrevious: target?.previousRevision !== undefined,
    ...(target?.previousRevision === undefined ? {} : { previousRevision: target.previousRevision }),
    ...(lastSampleAt === undefined ? {} : { lastSampleAt }),
    broken: fires || illnessOf(now, before) !== undefined,
  };
}

const isVital = (signal: string): signal is keyof Vitals => (ILLNESS_SIGNALS as readonly string[]).includes(signal);

/** @returns undefined when the target system does not know it. @throws AppError as the target system, when it cannot be asked */
async function findTarget(targets: TargetPort, id: string): Promise<Target | undefined> {
  try {
    return await targets.get(id);
  } catch (error) {
    if (AppError.is(error, "TARGET_UNKNOWN")) return undefined;
    throw error;
  }
}

/** Done by the target system to one replica after another, each healthy again before the next. */
const ONE_BY_ONE: ReadonlySet<Verb> = new Set([
  "target.restart",
  "target.rollback",
  "target.config",
  "target.recreate",
  "target.reconnect",
]);

/** Replicas that a plan takes out of service at the same time, the most of any of its steps. */
function takenBy(plan: RunPlan, target: Target): number {
  const counts = plan.steps.map(({ deed }) => {
    if (!("target" in deed.with) || deed.with.target !== target.id) return 0;
    if (deed.verb === "target.stop") return target.replicas.length;
    if (ONE_BY_ONE.has(deed.verb)) return 1;
    return deed.verb === "target.scale" ? Math.max(0, target.replicas.length - Number(deed.with.replicas)) : 0;
  });
  return Math.max(0, ...counts);
}

/**
 * What the database says, inside the transaction that decides and under its lock, joined with what was asked outside. Writes nothing.
 *
 * @param run an id that no run has stands for one that was not asked for yet
 */
export async function completeFacts(
  tx: Queryable,
  sources: FactSources,
  run: Pick<RunRow, "id" | "incidentId" | "runbook">,
  plan: RunPlan,
  incident: IncidentView,
  outside: OutsideFacts,
): Promise<PolicyFacts> {
  const now = sources.clock.now();
  const holders = await lockHolders(tx, plan.targets, now);
  const since = isoTime(now - 30 * DAY_MS);
  const runs = await runsStartedSince(tx, since);
  const left = await leftRevisions(tx, plan.targets, since);
  const { rows: opened } = await tx.query<{ count: number }>("SELECT count(*)::int AS count FROM incidents WHERE opened_at > $1", [
    isoTime(now - 300_000),
  ]);
  const { rows: states } = await tx.query<{ state: IncidentView["state"] }>("SELECT state FROM incidents WHERE id = $1", [run.incidentId]);
  const reenabled = await getSwitch(tx, `runbook:${run.runbook}`);
  const approval = await approvalOfRun(tx, run.id);
  const moved = await lastAutonomyChange(tx, run.runbook, sources.environment);
  return {
    now,
    environment: sources.environment,
    severity: incident.severity,
    incidentState: states[0]?.state ?? incident.state,
    runId: run.id,
    plan,
    matched: outside.matched,
    ...(outside.errorBudget === undefined ? {} : { errorBudget: outside.errorBudget }),
    targets: outside.targets.map((target) => {
      const lockedBy = holders.get(target.id);
      const previousLeftBy = left.get(target.id)?.get(target.previousRevision ?? "");
      return {
        ...target,
        ...(lockedBy === undefined ? {} : { lockedBy }),
        ...(previousLeftBy === undefined ? {} : { previousLeftBy }),
      };
    }),
    redButton: await sources.redButton.state(tx),
    runs: runs
      .filter((past) => past.id !== run.id)
      .map((past) => ({
        id: past.id,
        runbook: past.runbook,
        state: past.state,
        startedAt: Date.parse(past.startedAt),
        ...(past.finishedAt === undefined ? {} : { finishedAt: Date.parse(past.finishedAt) }),
        targets: past.targets,
        regressed: past.regressed,
      })),
    ...(reenabled.changedAt === undefined ? {} : { reenabledAt: Date.parse(reenabled.changedAt) }),
    ...(moved === undefined ? {} : { autonomyMoved: { kind: moved.kind, by: moved.by, reason: moved.reason } }),
    incidentsInFiveMinutes: opened[0]?.count ?? 0,
    ...(approval?.state === "approved"
      ? { approval: { digest: approval.digest, by: approval.decidedBy ?? "", emergency: approval.emergency } }
      : {}),
  };
}
