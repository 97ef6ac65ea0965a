import { LEAST_SIMILARITY, type Recall, recallOf, traceOf } from "@tocsin/diagnosis";
import { isoTime } from "@tocsin/runtime";
import {
  EMBEDDING_DIMENSIONS,
  latestInvestigation,
  type RememberedIncident,
  recallIncidents,
  rememberIncident,
  saveRecall,
  viewIncident,
} from "@tocsin/store";
import { incidentUnknown } from "../errors.ts";
import { type AgentDeps, type Round, type Saying, say, writing } from "../round.ts";

const MAX_ALIKE = 8;

/** Keeps what this incident is like and tells of those that were like it. Decides nothing: a recalled cause is a hypothesis. */
export const recallNode = (deps: AgentDeps, round: Round) => async (): Promise<{ alike: number }> => {
  const { sql } = deps.store;
  const known = await latestInvestigation(sql, round.incidentId);
  if (known?.round === round.round && known.recall !== undefined) return { alike: (known.recall as Recall).alike.length };
  const incident = await viewIncident(sql, round.incidentId);
  if (!incident) throw incidentUnknown(round.incidentId);
  const trace = traceOf({ members: incident.members, evidence: incident.evidence ?? [], cause: incident.cause }, EMBEDDING_DIMENSIONS);
  const found = trace
    ? await recallIncidents(sql, {
        incidentId: round.incidentId,
        embedding: trace.embedding,
        leastSimilarity: LEAST_SIMILARITY,
        limit: MAX_ALIKE,
      })
    : { items: [], by: "exact" as const };
  const recall = recallOf(trace?.marks ?? [], found.items.map(pastIncident));
  await writing(deps, round, async (tx) => {
    if (trace) await rememberIncident(tx, round.incidentId, trace, isoTime(deps.clock.now()));
    await saveRecall(tx, round.incidentId, round.round, recall);
    await say(deps, round, tx, [sayingOf(recall)]);
  });
  await deps.failpoint?.("recall:saved");
  return { alike: recall.alike.length };
};

const pastIncident = ({ incident, ...rest }: RememberedIncident) => ({
  ...rest,
  id: incident.id,
  title: incident.title,
  startedAt: incident.startedAt,
  state: incident.state,
});

const sayingOf = (recall: Recall): Saying => ({
  phase: "recall",
  kind: recall.alike.length === 0 ? "nothing" : recall.hypothesis ? "hypothesis" : "alike",
  text: recall.text.join(" "),
});
