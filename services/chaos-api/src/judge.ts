// Terms. A *drill* breaks one service on purpose and watches what the platform makes of it. Its *marks* say when each thing
// happened for the first time; once set, a mark stays. It *passes* when its incident is closed, the cause named is the service
// that was broken, and the first thing done was the right answer to the fault.
import type { DrillView } from "@tocsin/contracts";
import type { DrillIncident } from "@tocsin/store";

/** When a drill is over at the latest, in epoch milliseconds. */
const deadlineOf = (drill: DrillView): number => Date.parse(drill.at.injected) + drill.seconds * 1000;

/**
 * Pure: the drill after a look at what is known of its incident.
 *
 * @param incident the incident that fits best, or undefined while there is none. One that does not involve the target counts
 *   only at the deadline: until then the alerts of the target may still come.
 * @param now epoch milliseconds
 */
export function judge(drill: DrillView, incident: DrillIncident | undefined, now: number): DrillView {
  if (drill.state !== "running") return drill;
  const isOver = now >= deadlineOf(drill);
  const seen = incident && (incident.involvesTarget || isOver) ? incident : undefined;
  const marked = seen ? withMarks(drill, seen) : drill;

  if (seen?.involvesTarget && seen.state === "closed") return scored(marked, seen);
  if (seen?.involvesTarget && seen.state === "escalated") return { ...marked, state: "failed", reason: escalatedReason(marked, seen) };
  if (isOver) return { ...marked, state: "failed", reason: lateReason(marked, seen) };
  return marked;
}

function withMarks(drill: DrillView, incident: DrillIncident): DrillView {
  const at = { ...drill.at };
  const mark = (name: Exclude<keyof DrillView["at"], "injected">, time: string | undefined) => {
    if (time !== undefined) at[name] ??= time;
  };
  mark("fired", incident.firedAt);
  mark("incident", incident.isNew ? incident.openedAt : incident.firedAt);
  mark("cause", incident.cause?.at);
  mark("action", incident.action?.at);
  mark("verified", incident.verifiedAt);
  mark("closed", incident.closedAt);
  const found = incident.cause?.service;
  const taken = incident.action?.verb;
  return {
    ...drill,
    incidentId: incident.id,
    at,
    cause: { ...drill.cause, ...(found === undefined ? {} : { found, right: found === drill.cause.expected }) },
    action: { ...drill.action, ...(taken === undefined ? {} : { taken, right: taken === drill.action.expected }) },
  };
}

function scored(drill: DrillView, incident: DrillIncident): DrillView {
  const wrong: string[] = [];
  if (!drill.cause.right) wrong.push(`the cause named is ${drill.cause.found ?? "none"}, not ${drill.cause.expected}`);
  if (!drill.action.right) wrong.push(`the first action was ${drill.action.taken ?? "none"}, not ${drill.action.expected}`);
  const joined = incident.isNew ? "" : "its alerts joined an incident that was open before";
  if (wrong.length > 0) return { ...drill, state: "failed", reason: [...wrong, joined].filter(Boolean).join("; ") };
  return { ...drill, state: "passed", ...(joined ? { reason: joined } : {}) };
}

function escalatedReason(drill: DrillView, incident: DrillIncident): string {
  const why = incident.escalation ?? "no reason was written";
  const before = incident.escalatedAt !== undefined && Date.parse(incident.escalatedAt) < Date.parse(drill.at.injected);
  return before
    ? `its alerts joined an incident that had been handed to a person before the drill (${why}): close that one first`
    : `the incident was handed to a person: ${why}`;
}

function lateReason(drill: DrillView, incident: DrillIncident | undefined): string {
  const late = `not closed within ${drill.seconds} s`;
  if (!incident) return `${late}: no incident was opened`;
  if (!incident.involvesTarget)
    return `${late}: no incident involves ${drill.target}; shown is the first that was opened after the injection, ${incident.id}`;
  return `${late}: the incident is still ${incident.state}${incident.verdict === "inconclusive" ? ", the diagnosis was inconclusive" : ""}`;
}
