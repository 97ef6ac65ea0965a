import { statesBefore } from "@tocsin/incident";
import { isoTime } from "@tocsin/runtime";
import { finishInvestigation, latestInvestigation, moveIncident, saveAnalysis } from "@tocsin/store";
import { roundIncomplete } from "../errors.ts";
import { sendTell } from "../jobs.ts";
import type { Outcome, RoundFindings } from "../outcome.ts";
import { type AgentDeps, type Round, SOURCE, say, writing } from "../round.ts";
import { analysisOf } from "../written.ts";

/** Writes the analysis as it stands, ends the round, and hands the incident over when the plan said so. */
export const narrateNode = (deps: AgentDeps, round: Round) => async (): Promise<void> => {
  const { sql } = deps.store;
  const row = await latestInvestigation<RoundFindings, Outcome>(sql, round.incidentId);
  const outcome = row?.round === round.round ? row.outcome : undefined;
  if (!row || !outcome) throw roundIncomplete(round.incidentId, round.round, "outcome");
  if (row.finishedAt !== undefined) return;
  const now = deps.clock.now();
  const ending = outcome.kind === "escalate" ? ({ kind: "escalated", text: outcome.text } as const) : ({ kind: "open" } as const);
  const markdown = await analysisOf(sql, round.incidentId, row, ending, []);
  const verdict = await writing(deps, round, async (tx) => {
    await saveAnalysis(tx, round.incidentId, markdown, isoTime(now));
    // Words of a model come later, if at all: nothing waits for them.
    if (deps.advice?.adviser.isConfigured) await sendTell(deps.store.jobs, tx, round.incidentId, round.round);
    await finishInvestigation(tx, round.incidentId, round.round, isoTime(now));
    await say(deps, round, tx, [
      { phase: "narrate", kind: "written", text: "Wrote down what is known so far: cause, evidence, what was ruled out and what is done." },
    ]);
    if (outcome.kind === "escalate") {
      await moveIncident(tx, {
        incidentId: round.incidentId,
        to: "escalated",
        from: statesBefore("escalated"),
        text: outcome.text,
        source: SOURCE,
        eventId: `${round.incidentId}:${round.round}:escalated`,
        nowMs: now,
      });
    }
    return row.findings;
  });
  deps.metrics.investigated(
    outcome.kind === "escalate" && outcome.why === "inconclusive" ? "inconclusive" : "cause",
    (now - Date.parse(row.startedAt)) / 1_000,
  );
  if (outcome.kind === "escalate") deps.metrics.escalated(outcome.why);
  deps.log.info(
    { incidentId: round.incidentId, round: round.round, outcome: outcome.kind, cause: verdict?.ranking[0]?.service },
    "investigated",
  );
  await deps.failpoint?.("narrate:saved");
};
