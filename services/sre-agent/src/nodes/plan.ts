import type { Cause, Diagnosis, IncidentView, RunView } from "@tocsin/contracts";
import { statesBefore } from "@tocsin/incident";
import { matchRunbooks, planRun, type Runbook, type RunPlan } from "@tocsin/runbooks";
import { digestOf } from "@tocsin/runtime";
import { diagnosisOf, incidentWork, insertRequestedRun, latestInvestigation, moveIncident, saveOutcome, viewIncident } from "@tocsin/store";
import { incidentUnknown } from "../errors.ts";
import { sendConclude } from "../jobs.ts";
import type { Outcome, RoundFindings } from "../outcome.ts";
import { type AgentDeps, type Round, type Saying, SOURCE, say, writing } from "../round.ts";

export type Choice =
  | { readonly kind: "run"; readonly plan: RunPlan; readonly cause: Cause; readonly sayings: readonly Saying[]; readonly text: string }
  | { readonly kind: "escalate"; readonly why: "inconclusive" | "no-runbook"; readonly sayings: readonly Saying[]; readonly text: string };

/** Decides what to do about the cause and asks for it; what was decided once stays decided. */
export const planNode = (deps: AgentDeps, round: Round) => async (): Promise<{ decision: Outcome["kind"] }> => {
  const { sql } = deps.store;
  const row = await latestInvestigation<RoundFindings, Outcome>(sql, round.incidentId);
  if (row?.round === round.round && row.outcome) return { decision: row.outcome.kind };
  const incident = await viewIncident(sql, round.incidentId);
  const diagnosis = await diagnosisOf(sql, round.incidentId);
  if (!incident || !diagnosis) throw incidentUnknown(round.incidentId);
  const runbooks = await deps.runbooks();
  const choice = chooseAction(incident, diagnosis, runbooks);
  await deps.failpoint?.("plan:chosen");
  const outcome = await writing(deps, round, async (tx): Promise<Outcome> => {
    const work = await incidentWork(tx, round.incidentId);
    if (work?.recoveredAt !== undefined) {
      const text = "Every alert has resolved meanwhile: nothing is done, and it is watched whether it stays so.";
      const recovered: Outcome = { kind: "recovered", text };
      await saveOutcome(tx, round.incidentId, round.round, recovered);
      await sendConclude(deps.store.jobs, tx, round.incidentId);
      await say(deps, round, tx, [{ phase: "plan", kind: "recovered", text }]);
      return recovered;
    }
    if (choice.kind === "escalate") {
      const escalate: Outcome = { kind: "escalate", why: choice.why, text: choice.text };
      await saveOutcome(tx, round.incidentId, round.round, escalate);
      await say(deps, round, tx, choice.sayings);
      return escalate;
    }
    const { plan, cause } = choice;
    const runId = `run_${digestOf(`${round.incidentId}|${round.round}`).slice(7, 31)}`;
    const run: Outcome = { kind: "run", runId, runbook: plan.runbook, text: choice.text };
    await saveOutcome(tx, round.incidentId, round.round, run);
    await moveIncident(tx, {
      incidentId: round.incidentId,
      to: "mitigating",
      from: statesBefore("mitigating"),
      text: choice.text,
      source: SOURCE,
      eventId: `${round.incidentId}:${round.round}:mitigating`,
      nowMs: deps.clock.now(),
    });
    await say(deps, round, tx, choice.sayings);
    await insertRequestedRun(
      tx,
      {
        id: runId,
        incidentId: round.incidentId,
        runbook: plan.runbook,
        title: plan.title,
        digest: plan.digest,
        parameters: plan.parameters,
        cause,
        requestedBy: "sre-agent",
        text: choice.text,
      },
      deps.clock.now(),
    );
    return run;
  });
  await deps.failpoint?.("plan:saved");
  return { decision: outcome.kind };
};

const WHAT_CAME_OF_IT: Readonly<Partial<Record<RunView["state"], string>>> = {
  succeeded: "did not last",
  failed: "did not help",
  refused: "was refused",
  denied: "was denied",
  unknown: "ended in an unknown state",
};

/**
 * Pure: which runbook, with which parameters, or why a person has to look. Only what rules match is asked for; what merely reads alike is
 * told as a suggestion. What was tried for this incident is not asked for again: it is still there, or back.
 */
export function chooseAction(incident: Pick<IncidentView, "members" | "runs">, diagnosis: Diagnosis, runbooks: readonly Runbook[]): Choice {
  const cause = diagnosis.causes[0];
  if (diagnosis.verdict !== "cause" || !cause) {
    const text = `No cause was singled out, so nothing is done. ${diagnosis.unsettled ?? ""}`.trim();
    return { kind: "escalate", why: "inconclusive", text, sayings: [{ phase: "plan", kind: "escalating", text }] };
  }
  const evidence = diagnosis.evidence.filter((each) => cause.evidence.includes(each.id));
  const situation = { members: incident.members, cause, evidence };
  const found = matchRunbooks(runbooks, situation);
  const sayings: Saying[] = [];
  const refusals: string[] = [];
  if (found.kind === "match") {
    for (const match of found.matches) {
      if (match.via !== "rule") continue;
      const reasons = match.reasons.map((reason) => reason.text).join("; ");
      const planned = planRun(match.runbook, situation);
      if (planned.kind === "refused") {
        refusals.push(`${match.runbook.id} cannot be planned: ${planned.reason}`);
        continue;
      }
      const earlier = incident.runs.find((run) => run.digest === planned.digest);
      if (earlier) {
        refusals.push(`${match.runbook.id} was tried and ${WHAT_CAME_OF_IT[earlier.state] ?? `is ${earlier.state}`}`);
        continue;
      }
      sayings.push({ phase: "plan", kind: "matched", text: `Runbook ${match.runbook.id} (${match.runbook.title}): ${reasons}.` });
      if (found.tie !== undefined && match === found.matches[0]) sayings.push({ phase: "plan", kind: "tie", text: `${found.tie}.` });
      for (const refusal of refusals) sayings.push({ phase: "plan", kind: "passed-over", text: `${refusal}.` });
      const text = `${planned.title} on ${cause.service}: asked the executor for ${planned.runbook}.`;
      sayings.push({ phase: "plan", kind: "requested", text: `${planned.effect}`, evidence: cause.evidence });
      return { kind: "run", plan: planned, cause, sayings, text };
    }
    const alike = found.matches.filter((match) => match.via === "text").map((match) => match.runbook.id);
    if (alike.length > 0)
      refusals.push(`${alike.join(" and ")} only ${alike.length === 1 ? "reads" : "read"} alike: a person may want to look there`);
  } else refusals.push(found.reason);
  const text = `The cause is ${cause.service} (${cause.kind}), but there is no runbook to run for it: ${refusals.join("; ")}.`;
  return { kind: "escalate", why: "no-runbook", text, sayings: [{ phase: "plan", kind: "escalating", text, evidence: cause.evidence }] };
}
