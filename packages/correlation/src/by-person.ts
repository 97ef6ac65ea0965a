// Decisions of people about incidents. They bind the engine: what a person has merged or split it neither merges nor splits on its own.
import type { Reason } from "@tocsin/contracts";
import type { CorrelationConfig } from "./config.ts";
import type { Decisions } from "./decisions.ts";
import { addMember, removeMembers } from "./membership.ts";
import { rootOf } from "./roots.ts";
import { beginTurn, endTurn, merge, openIncident } from "./turn.ts";
import type { AlertState, WorkingSet } from "./working-set.ts";

export type ByPerson =
  | { readonly kind: "decided"; readonly decisions: Decisions }
  /** Nothing changed, and why. */
  | { readonly kind: "refused"; readonly reason: string };

const refused = (reason: string): ByPerson => ({ kind: "refused", reason });

/** Moves every member of `fromId` to `intoId`, which stays, and ends `fromId`. */
export function mergeByPerson(
  set: WorkingSet,
  request: { readonly intoId: string; readonly fromId: string; readonly by: string; readonly at: number },
  config: CorrelationConfig,
): ByPerson {
  const { intoId, fromId, by, at } = request;
  if (intoId === fromId) return refused("an incident cannot be merged into itself");
  const [into, from] = [set.incidents.get(intoId), set.incidents.get(fromId)];
  if (into === undefined || from === undefined) return refused(`${into === undefined ? intoId : fromId} is closed or unknown`);
  const turn = beginTurn(set, config);
  const reason: Reason = { kind: "person", weight: 1, text: `merged by ${by}` };
  into.decidedByPerson = true;
  into.apart.delete(fromId);
  for (const id of from.apart) if (id !== intoId) into.apart.add(id);
  merge(turn, into, from, [reason], at, "into");
  return { kind: "decided", decisions: endTurn(turn) };
}

/** Takes alerts out of an incident into a new one, `newId`. Undoes a merge when given what the merge moved. */
export function splitByPerson(
  set: WorkingSet,
  request: {
    readonly incidentId: string;
    readonly fingerprints: readonly string[];
    readonly newId: string;
    readonly by: string;
    readonly at: number;
  },
  config: CorrelationConfig,
): ByPerson {
  const { incidentId, fingerprints, newId, by, at } = request;
  const incident = set.incidents.get(incidentId);
  if (incident === undefined) return refused(`${incidentId} is closed or unknown`);
  const moved = [...new Set(fingerprints)]
    .map((each) => incident.members.get(each))
    .filter((each): each is AlertState => each !== undefined);
  if (moved.length === 0) return refused("none of these alerts is a member");
  if (moved.length === incident.members.size) return refused("an incident cannot be split off from itself: some member has to stay");
  const turn = beginTurn(set, config);
  removeMembers(set, incident, moved);
  incident.root = rootOf(incident, set.graph);
  incident.rolesFor = undefined;
  const first = moved[0] as AlertState;
  const other = openIncident(turn, newId, first, first.startsAt);
  const reason: Reason = { kind: "person", weight: 1, text: `split off by ${by}` };
  for (const alert of moved) {
    addMember(set, other, alert);
    turn.states.add(alert);
    turn.members.push({ incidentId: newId, fingerprint: alert.fingerprint, reasons: [reason], at });
  }
  other.root = rootOf(other, set.graph);
  if (other.firing === 0) other.recoveredAt = at;
  if (incident.firing === 0) incident.recoveredAt ??= at;
  for (const [a, b] of [
    [incident, other],
    [other, incident],
  ] as const) {
    a.decidedByPerson = true;
    a.apart.add(b.id);
    turn.changed.add(a);
  }
  const names = moved.slice(0, 3).map((alert) => `${alert.service ?? "?"}: ${alert.name}`);
  const what = `${names.join(", ")}${moved.length > 3 ? ` and ${moved.length - 3} more` : ""}`;
  const fact = { at, fingerprints: moved.map((alert) => alert.fingerprint) };
  turn.facts.push(
    {
      ...fact,
      kind: "opened",
      incidentId: newId,
      otherIncidentId: incidentId,
      text: `split off from ${incidentId} by ${by}`,
      key: "opened",
    },
    { ...fact, kind: "split", incidentId, otherIncidentId: newId, text: `${by} split off ${what} into ${newId}`, key: `split:${newId}` },
  );
  return { kind: "decided", decisions: endTurn(turn) };
}

/** Puts a person's stored decision back: what it binds stays bound. */
export function restorePersonDecision(set: WorkingSet, kind: "merge" | "split", incidentId: string, otherIncidentId: string): void {
  const [incident, other] = [set.incidents.get(incidentId), set.incidents.get(otherIncidentId)];
  for (const each of [incident, other]) if (each !== undefined) each.decidedByPerson = true;
  if (kind === "merge") return;
  incident?.apart.add(otherIncidentId);
  other?.apart.add(incidentId);
}
