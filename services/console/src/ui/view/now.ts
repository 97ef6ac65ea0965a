// What comes first on the page of the present.
import type { IncidentSummary } from "@tocsin/contracts";

/** So many incidents begun within five minutes are a storm; `STORM` of the contracts, which the browser is spared to load; a test holds them equal. */
export const STORM_INCIDENTS = 10;
const STORM_MS = 5 * 60_000;

export const isStorm = (incidents: readonly IncidentSummary[], nowMs: number): boolean =>
  incidents.filter(({ startedAt }) => nowMs - Date.parse(startedAt) < STORM_MS).length >= STORM_INCIDENTS;

export interface NowGroups {
  /** Nobody but a person can take these further. */
  readonly needsYou: readonly IncidentSummary[];
  /** The platform is at work on these. */
  readonly beingDone: readonly IncidentSummary[];
}

const RANK = { critical: 0, warning: 1, info: 2 } as const;
const byUrgency = (a: IncidentSummary, b: IncidentSummary): number =>
  Number(a.acknowledgedBy !== undefined) - Number(b.acknowledgedBy !== undefined) ||
  RANK[a.severity] - RANK[b.severity] ||
  Date.parse(b.startedAt) - Date.parse(a.startedAt);

/** Open incidents by who has to move: what nobody has seen, then the worst, then the latest first. */
export function groupsOf(open: readonly IncidentSummary[]): NowGroups {
  const needs = (incident: IncidentSummary) => incident.state === "escalated" || incident.state === "awaiting-approval";
  return { needsYou: open.filter(needs).sort(byUrgency), beingDone: open.filter((each) => !needs(each)).sort(byUrgency) };
}

/** The state of the whole in one line. */
export function headlineOf(groups: NowGroups, approvals: number): { readonly title: string; readonly tone: "calm" | "busy" | "ask" } {
  const { needsYou, beingDone } = groups;
  if (needsYou.length + approvals > 0) {
    const n = Math.max(needsYou.length, approvals);
    return { title: n === 1 ? "One thing needs you" : `${n} things need you`, tone: "ask" };
  }
  if (beingDone.length > 0)
    return {
      title: beingDone.length === 1 ? "One thing is being worked on" : `${beingDone.length} things are being worked on`,
      tone: "busy",
    };
  return { title: "All is calm", tone: "calm" };
}
