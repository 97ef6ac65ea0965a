import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { statesBefore } from "@tocsin/incident";
import { inWorkflowSpan } from "@tocsin/llm";
import { isoTime, type Queryable } from "@tocsin/runtime";
import {
  claimIncident,
  type IncidentWork,
  type InvestigationRow,
  incidentWork,
  insertInvestigation,
  latestInvestigation,
  moveIncident,
} from "@tocsin/store";
import { isTakenOver, runRound, threadOf } from "./graph.ts";
import { type AgentDeps, type Round, SOURCE, writing } from "./round.ts";

/** What an investigation job finds to do. */
export type Start =
  | { readonly kind: "resume"; readonly round: number }
  | { readonly kind: "begin"; readonly round: number }
  | { readonly kind: "nothing"; readonly reason: string };

/** Pure: an unfinished round is taken up where it was; the first begins with the job, later ones begin where it is decided that they are needed. */
export function decideStart(
  incident: Pick<IncidentWork, "state">,
  latest: Pick<InvestigationRow, "round" | "finishedAt"> | undefined,
): Start {
  if (incident.state === "closed" || incident.state === "escalated") return { kind: "nothing", reason: `it is ${incident.state}` };
  if (latest && latest.finishedAt === undefined) return { kind: "resume", round: latest.round };
  if (latest) return { kind: "nothing", reason: `round ${latest.round} is finished` };
  return { kind: "begin", round: 1 };
}

/** The job: takes the incident over and goes through a round of it. */
export async function investigate(
  deps: AgentDeps,
  incidentId: string,
  reason: string,
  checkpointer: BaseCheckpointSaver | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const { sql } = deps.store;
  const incident = await incidentWork(sql, incidentId);
  if (!incident) {
    deps.log.warn({ incidentId }, "incident gone");
    return;
  }
  const latest = await latestInvestigation(sql, incidentId);
  const start = decideStart(incident, latest);
  if (start.kind === "nothing") {
    // A process that was killed between the end of a round and its tidying up left this to us.
    if (latest) await forget(deps, checkpointer, { incidentId, round: latest.round });
    deps.log.debug({ incidentId, reason: start.reason }, "nothing to investigate");
    return;
  }
  const round: Round = {
    incidentId,
    round: start.round,
    fence: await claimIncident(sql, incidentId),
    ...(signal === undefined ? {} : { signal }),
  };
  await deps.failpoint?.("investigate:claimed");
  try {
    if (start.kind === "begin") {
      await writing(deps, round, (tx) => beginRound(tx, incidentId, round.round, reason, deps.clock.now()));
    }
    await deps.failpoint?.("investigate:begun");
    const subject = { incidentId, tenant: incident.scope };
    await inWorkflowSpan("investigate", subject, () => runRound(deps, round, checkpointer, signal));
    await forget(deps, checkpointer, round);
  } catch (error) {
    if (!isTakenOver(error)) throw error;
    deps.log.info({ incidentId, round: round.round }, "taken over by another worker");
  }
}

/** A round that has ended is never resumed: its checkpoints would only grow. */
async function forget(
  deps: AgentDeps,
  checkpointer: BaseCheckpointSaver | undefined,
  round: Pick<Round, "incidentId" | "round">,
): Promise<void> {
  try {
    await checkpointer?.deleteThread(threadOf(round));
  } catch (error) {
    deps.log.warn({ err: error, incidentId: round.incidentId }, "checkpoints not deleted");
  }
}

/** Begins a round: its row, and the incident's move, in the transaction of whoever decides so. */
export async function beginRound(tx: Queryable, incidentId: string, round: number, reason: string, nowMs: number): Promise<void> {
  await insertInvestigation(tx, incidentId, round, reason, isoTime(nowMs));
  await moveIncident(tx, {
    incidentId,
    to: "investigating",
    from: statesBefore("investigating"),
    text: round === 1 ? "The investigation begins." : `Investigated again: ${reason}.`,
    source: SOURCE,
    eventId: `${incidentId}:${round}:investigating`,
    nowMs,
  });
}
