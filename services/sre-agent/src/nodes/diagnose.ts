import type { Diagnosis } from "@tocsin/contracts";
import { type DiagnosisDetails, diagnose } from "@tocsin/diagnosis";
import { isoTime } from "@tocsin/runtime";
import { readGathered, saveDiagnosis } from "@tocsin/store";
import { roundIncomplete } from "../errors.ts";
import { evidenceIds } from "../evidence-ids.ts";
import { diagnosisInputOf, type Gathered } from "../gathering.ts";
import type { RoundFindings } from "../outcome.ts";
import { type AgentDeps, type Round, type Saying, say, writing } from "../round.ts";
import { watchesOf } from "../watch.ts";

/** Makes the diagnosis from what was gathered: pure, so the same round always comes to the same. */
export const diagnoseNode = (deps: AgentDeps, round: Round) => async (): Promise<{ verdict: Diagnosis["verdict"] }> => {
  const gathered = await readGathered<Gathered>(deps.store.sql, round.incidentId, round.round);
  if (!gathered) throw roundIncomplete(round.incidentId, round.round, "gathered signals");
  const { diagnosis, details } = diagnose(diagnosisInputOf(gathered, evidenceIds(round)));
  const findings: RoundFindings = {
    ruledOut: details.ruledOut,
    watches: watchesOf(details),
    ranking: details.ranking.slice(0, 10).map(({ service, kind, score, coverage }) => ({ service, kind, score, coverage })),
  };
  await writing(deps, round, async (tx) => {
    await saveDiagnosis(tx, round.incidentId, round.round, diagnosis, findings, isoTime(deps.clock.now()));
    await say(deps, round, tx, sayingsOf(diagnosis, details));
  });
  await deps.failpoint?.("diagnose:saved");
  return { verdict: diagnosis.verdict };
};

const MAX_FACTS = 5;

/** Pure: what was found, in the order in which a person would tell it. */
function sayingsOf(diagnosis: Diagnosis, details: Pick<DiagnosisDetails, "ruledOut" | "findings">): Saying[] {
  const top = diagnosis.causes[0];
  const sayings: Saying[] = [];
  const services = new Set(details.findings.map((finding) => finding.service)).size;
  sayings.push({
    phase: "diagnose",
    kind: "compared",
    text: `${details.findings.length} signals, log templates, calls and changes differ from their baseline, over ${services} services.`,
  });
  const byId = new Map(diagnosis.evidence.map((each) => [each.id, each]));
  for (const id of top?.evidence.slice(0, MAX_FACTS) ?? []) {
    const fact = byId.get(id);
    if (fact) sayings.push({ phase: "diagnose", kind: "evidence", text: fact.text, evidence: [id] });
  }
  for (const each of details.ruledOut.slice(0, 3)) {
    sayings.push({ phase: "diagnose", kind: "ruled-out", text: `Not ${each.service}: ${each.text}.` });
  }
  if (diagnosis.verdict === "cause" && top) {
    const sure = Math.round(top.confidence * 100);
    sayings.push({ phase: "diagnose", kind: "cause", text: `The cause: ${top.text} Confidence ${sure} %.`, evidence: top.evidence });
  } else {
    sayings.push({ phase: "diagnose", kind: "inconclusive", text: `Inconclusive. ${diagnosis.unsettled ?? ""}`.trim() });
  }
  return sayings;
}
