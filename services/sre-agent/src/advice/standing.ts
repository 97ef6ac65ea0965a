import type { IncidentView } from "@tocsin/contracts";
import type { Outcome } from "../outcome.ts";

/** Pure: what was asked for, in words that are ours alone: no title, reason or note that others could have written. It stays true. */
export function standingOf({ runs }: Pick<IncidentView, "runs">, outcome: Outcome | undefined): readonly string[] {
  const run = runs.at(-1);
  if (run) return [`The runbook ${run.runbook} was asked for.`];
  return outcome?.kind === "escalate" ? ["Nothing was done; a person was asked to look."] : [];
}

/** Pure: and how it stands at this moment. */
export const standingNow = (incident: Pick<IncidentView, "runs" | "state">): readonly string[] => [
  ...standingOf(incident, incident.state === "escalated" ? { kind: "escalate", why: "inconclusive", text: "" } : undefined),
  ...incident.runs.slice(-1).map((run) => `The run is ${run.state}.`),
  `The incident is ${incident.state}.`,
];
