import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import type { IncidentState } from "@tocsin/contracts";
import { statesBefore } from "@tocsin/incident";
import { isoTime } from "@tocsin/runtime";
import {
  claimIncident,
  type IncidentWork,
  type InvestigationRow,
  incidentWork,
  insertInvestigation,
  latestInvestigation,
  moveIncident,
} from "@tocsin/store";
import { isTakenOver, runRound } from "./graph.ts";
import { type AgentDeps, type Round, SOURCE, writing } from "./round.ts";

/** What an investigation job finds to do. */
export type Start =
  | { readonly kind: "resume"; readonly round: number }
  | { readonly kind: "begin"; readonly round: number }
  | { readonly kind: "nothing"; readonly reason: string };

const ON_THE_WAY: readonly IncidentState[] = ["investigating", "mitigating", "awaiting-approval", "verifying"];

/** Pure: an unfinished round is taken up where it was; a new one begins only from states that wait for one. */
export function decideStart(
  incident: Pick<IncidentWork, "state">,
  latest: Pick<InvestigationRow, "round" | "finishedAt"> | undefined,
): Start {
  if (incident.state === "closed" || incident.state === "escalated") return { kind: "nothing", reason: `it is ${incident.state}` };
  if (latest && latest.finishedAt === undefined) return { kind: "resume", round: latest.round };
  if (latest && incident.state !== "resolved" && ON_THE_WAY.includes(incident.state) && incident.state !== "investigating") {
    return { kind: "nothing", reason: `it is ${incident.state}` };
  }
  return { kind: "begin", round: (latest?.round ?? 0) + 1 };
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
  const start = decideStart(incident, await latestInvestigation(sql, incidentId));
  if (start.kind === "nothing") {
    deps.log.debug({ incidentId, reason: start.reason }, "nothing to investigate");
    return;
  }
  const round: Round = { incidentId, round: start.round, fence: await claimIncident(sql, incidentId) };
  await deps.failpoint?.("investigate:claimed");
  try {
    if (start.kind === "begin") await begin(deps, round, reason);
    await deps.failpoint?.("investigate:begun");
    await runRound(deps, round, checkpointer, signal);
  } catch (error) {
    if (!isTakenOver(error)) throw error;
    deps.log.info({ incidentId, round: round.round }, "taken over by another worker");
  }
}

async function begin(deps: AgentDeps, round: Round, reason: string): Promise<void> {
  const nowMs = deps.clock.now();
  await writing(deps, round, async (tx) => {
    await insertInvestigation(tx, round.incidentId, round.round, reason, isoTime(nowMs));
    await moveIncident(tx, {
      incidentId: round.incidentId,
      to: "investigating",
      from: statesBefore("investigating"),
      text: round.round === 1 ? "The investigation begins." : `Investigated again: ${reason}.`,
      source: SOURCE,
      eventId: `${round.incidentId}:${round.round}:investigating`,
      nowMs,
    });
  });
}
