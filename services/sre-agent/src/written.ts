import { type Ending, type Recall, writeAnalysis } from "@tocsin/diagnosis";
import type { Queryable } from "@tocsin/runtime";
import { diagnosisOf, type InvestigationRow, viewIncident } from "@tocsin/store";
import { narrationSection } from "./advice/narration.ts";
import { incidentUnknown } from "./errors.ts";
import type { Outcome, RoundFindings } from "./outcome.ts";

/** The written analysis of an incident as the store knows it now. */
export async function analysisOf(
  on: Queryable,
  incidentId: string,
  row: InvestigationRow<RoundFindings, Outcome> | undefined,
  ending: Ending,
  verification: readonly string[],
  endedAt?: string,
): Promise<string> {
  const incident = await viewIncident(on, incidentId);
  if (!incident) throw incidentUnknown(incidentId);
  const diagnosis = await diagnosisOf(on, incidentId);
  const facts = writeAnalysis({
    title: incident.title,
    severity: incident.severity,
    startedAt: incident.startedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    members: incident.members,
    ...(diagnosis === undefined ? {} : { diagnosis }),
    ...(row?.recall === undefined ? {} : { recall: row.recall as Recall }),
    ruledOut: row?.findings?.ruledOut ?? [],
    runs: incident.runs,
    timeline: incident.timeline,
    verification,
    ending,
  });
  return row?.narration === undefined ? facts : `${facts}${narrationSection(row.narration)}`;
}
