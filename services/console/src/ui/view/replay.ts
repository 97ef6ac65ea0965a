// Terms. A *frame* of a replay is the incident as it stood right after one of its events.
import type { IncidentState, IncidentView, Member, RunView } from "@tocsin/contracts";
import type { LiveEvent } from "./events.ts";

const STATES: ReadonlySet<string> = new Set<IncidentState>([
  "open",
  "investigating",
  "mitigating",
  "awaiting-approval",
  "verifying",
  "resolved",
  "closed",
  "escalated",
]);
/** Facts whose word is not the state that they lead to. */
const STATE_OF_KIND: Readonly<Record<string, IncidentState>> = { opened: "open" };

export interface Frame {
  readonly atMs: number;
  readonly state: IncidentState;
  readonly phase: string | undefined;
  readonly members: readonly Member[];
  readonly runs: readonly RunView[];
  /** The cause is shown from the moment on at which it was told. */
  readonly isDiagnosed: boolean;
}

/** The state that the events up to and including `index` led to. */
export function stateAt(events: readonly LiveEvent[], index: number): IncidentState {
  for (let n = Math.min(index, events.length - 1); n >= 0; n--) {
    const item = events[n];
    if (item?.event !== "incident") continue;
    if (STATES.has(item.kind)) return item.kind as IncidentState;
    const state = STATE_OF_KIND[item.kind];
    if (state !== undefined) return state;
  }
  return "open";
}

/** The incident as it stood right after `events[index]`, from what is known of it now and when each part of it happened. */
export function frameAt(incident: Pick<IncidentView, "members" | "runs">, events: readonly LiveEvent[], index: number): Frame {
  const atMs = Date.parse(events[index]?.at ?? events[0]?.at ?? "");
  const until = (at: string | undefined) => at !== undefined && Date.parse(at) <= atMs;
  const told = events.slice(0, index + 1);
  return {
    atMs,
    state: stateAt(events, index),
    phase: told.findLast((item) => item.phase !== undefined)?.phase,
    isDiagnosed: told.some((item) => item.phase === "diagnose" && item.kind !== "started"),
    // An alert that fired again tells its last start; the root was there from the beginning in any case.
    members: incident.members
      .filter((member) => until(member.startsAt) || member.role === "root")
      .map((member) => (until(member.endsAt) ? member : { ...member, status: "firing" as const })),
    runs: incident.runs
      .filter((run) => until(run.requestedAt))
      .map((run) => ({
        ...run,
        state: until(run.finishedAt) ? run.state : run.steps.some((step) => until(step.startedAt)) ? "running" : "requested",
        steps: run.steps
          .filter((step) => until(step.startedAt))
          .map((step) => (until(step.finishedAt) ? step : { ...withoutOutput(step), state: "running" as const })),
      })),
  };
}

function withoutOutput<Step extends { output?: string | undefined }>(step: Step): Omit<Step, "output"> {
  const { output: _, ...rest } = step;
  return rest;
}

/** Longest wait between two events while a replay plays, in milliseconds of the incident's own time. */
const IDLE_MS = 4_000;

/** When each event is played, in milliseconds from the start: as it ran, but for long waits, which are cut. */
export function playTimes(events: readonly LiveEvent[]): readonly number[] {
  let at = 0;
  return events.map((item, n) => {
    const before = events[n - 1];
    if (before !== undefined) at += Math.min(IDLE_MS, Math.max(0, Date.parse(item.at) - Date.parse(before.at)));
    return at;
  });
}
