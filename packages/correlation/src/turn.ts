// Terms. A *turn* is what happens to a working set between two moments at which it is stored: a batch of messages, a person's decision,
// a passing of time. It gathers what changed, so that titles, roles and facts are made once at its end.
import type { Alert, Reason } from "@tocsin/contracts";
import { type CorrelationConfig, DEFAULT_CORRELATION } from "./config.ts";
import type { PairChange } from "./cooccurrence.ts";
import type { AlertDecision, Decisions, Fact, MemberDecision, RoleDecision } from "./decisions.ts";
import { candidates, type Newcomer } from "./evidence.ts";
import { addMember, moveMembers } from "./membership.ts";
import { mergeable } from "./merge.ts";
import { roleOf, rootOf, titleOf } from "./roots.ts";
import { mentionsIn } from "./signature.ts";
import type { AlertState, LiveIncident, WorkingSet } from "./working-set.ts";
import { memberlessIncident } from "./working-set.ts";

/** So many incidents back, what opened one is looked at again in the light of what came after. */
const OPENERS_KEPT = 16;

export interface Turn {
  readonly set: WorkingSet;
  readonly config: CorrelationConfig;
  readonly states: Set<AlertState>;
  readonly opened: Set<LiveIncident>;
  readonly changed: Set<LiveIncident>;
  /** New members by incident, for one `joined` fact each. */
  readonly grown: Map<LiveIncident, AlertState[]>;
  members: MemberDecision[];
  /** Where the members of ended incidents went, by id. */
  readonly endedInto: Map<string, string>;
  readonly merged: Decisions["merged"][number][];
  facts: Fact[];
  readonly pairs: PairChange[];
  /** By fingerprint: why alerts are where they are now that no message of the turn speaks of. */
  readonly reasons: Map<string, string>;
  /** The latest event time of the batch. */
  latest: number;
}

export const beginTurn = (set: WorkingSet, config: CorrelationConfig = DEFAULT_CORRELATION): Turn => ({
  set,
  config,
  states: new Set(),
  opened: new Set(),
  changed: new Set(),
  grown: new Map(),
  members: [],
  endedInto: new Map(),
  merged: [],
  facts: [],
  pairs: [],
  reasons: new Map(),
  latest: 0,
});

/** Ends a turn: titles, roles and facts of what changed. */
export function endTurn(turn: Turn, alerts: readonly AlertDecision[] = []): Decisions {
  reconsider(turn);
  const roles = settle(turn);
  return {
    alerts: alerts.map((decision) => whereItIs(turn, decision)),
    states: turn.states,
    opened: turn.opened,
    changed: turn.changed,
    members: turn.members,
    roles,
    merged: turn.merged,
    facts: turn.facts,
    pairs: turn.pairs,
    reasons: turn.reasons,
  };
}

/** A later alert of the batch may have merged the incident that an earlier one joined. */
function whereItIs({ endedInto }: Turn, decision: AlertDecision): AlertDecision {
  let { incidentId } = decision;
  while (incidentId !== undefined && endedInto.has(incidentId)) incidentId = endedInto.get(incidentId);
  return incidentId === decision.incidentId ? decision : { ...decision, incidentId };
}

/** What enters an incident: an alert, when, and what its message says. */
export interface Arrival {
  readonly alert: Pick<Alert, "annotations" | "dedupeKey">;
  readonly startsAt: number;
  /** When the transition happened. */
  readonly at: number;
}

/**
 * Finds the incident that an alert belongs to, or opens one.
 *
 * @param earlierIncident the closed incident that it was in before
 * @returns why it is where it is now, in words
 */
export function place(turn: Turn, item: Arrival, state: AlertState, earlierIncident: string | undefined): string {
  const { set, config } = turn;
  let mentions: ReadonlySet<string> | undefined;
  const newcomer: Newcomer = {
    alert: state,
    at: item.startsAt,
    mentions: () => {
      mentions ??= mentionsIn(item.alert.annotations);
      return mentions;
    },
  };
  const weighed = candidates(set, newcomer, config);
  const best = weighed[0];
  if (best !== undefined && best.sum >= config.joinAt) {
    join(turn, best.incident, state, item, best.reasons);
    for (const rival of weighed.slice(1)) {
      if (rival.sum < config.joinAt) break;
      const reasons = mergeable(set, best.incident, rival.incident, state, config);
      if (reasons !== undefined) merge(turn, best.incident, rival.incident, reasons, item.at);
    }
    return sentence(best.reasons);
  }
  const incident = open(turn, item, state);
  const refers = earlierIncident === undefined ? "" : `; it was in ${earlierIncident} before, which is closed`;
  const against =
    best === undefined ? "nothing open is related" : `the nearest, ${best.incident.title}, is too far: ${sentence(best.reasons)}`;
  join(turn, incident, state, item, [{ kind: "first", weight: 1, text: `opened the incident: ${against}${refers}` }]);
  set.openers.push({ incident, alert: state, mentions: newcomer.mentions() });
  if (set.openers.length > OPENERS_KEPT) set.openers.shift();
  turn.facts.push({
    kind: "opened",
    incidentId: incident.id,
    ...(earlierIncident === undefined ? {} : { otherIncidentId: earlierIncident }),
    at: item.startsAt,
    text: `opened by ${state.service ?? "?"}: ${state.name}${refers}`,
    fingerprints: [state.fingerprint],
    key: "opened",
  });
  return `opened ${incident.id}`;
}

const sentence = (reasons: readonly Reason[]): string =>
  reasons.length === 0 ? "nothing ties them" : reasons.map((reason) => reason.text).join("; ");

function open(turn: Turn, item: Arrival, state: AlertState): LiveIncident {
  // Named by the transition that opened it, which happens once: the same history gives the same ids.
  return openIncident(turn, `inc_${item.alert.dedupeKey.slice(7, 39)}`, state, item.startsAt);
}

/** Opens an empty incident for an alert that is about to join it. */
export function openIncident(turn: Turn, id: string, state: AlertState, at: number): LiveIncident {
  const incident = memberlessIncident({
    id,
    scope: turn.set.scope,
    state: "open",
    title: "",
    severity: state.severity,
    service: state.service,
    startedAt: at,
    lastAt: at,
  });
  turn.set.incidents.set(incident.id, incident);
  turn.opened.add(incident);
  return incident;
}

function join(turn: Turn, incident: LiveIncident, state: AlertState, item: Arrival, reasons: readonly Reason[]): void {
  const wasRecovered = incident.members.size > 0 && incident.firing === 0;
  addMember(turn.set, incident, state);
  incident.root = rootOf(incident, turn.set.graph);
  turn.changed.add(incident);
  turn.members.push({ incidentId: incident.id, fingerprint: state.fingerprint, reasons, at: item.startsAt });
  const grown = turn.grown.get(incident);
  if (grown) grown.push(state);
  else turn.grown.set(incident, [state]);
  if (wasRecovered)
    turn.facts.push({
      kind: "refired",
      incidentId: incident.id,
      at: item.startsAt,
      text: `${state.service ?? "?"}: ${state.name} fires after all had resolved`,
      fingerprints: [state.fingerprint],
      key: `refired:${item.alert.dedupeKey}`,
    });
}

/**
 * Looks again at what opened the latest incidents: had it come after the others, it might have joined one. Makes the outcome
 * independent of which alert of a fault arrives first. Bounded by {@link OPENERS_KEPT} looks a batch.
 */
function reconsider(turn: Turn): void {
  const { set, config } = turn;
  if (turn.grown.size === 0) return;
  for (const { incident, alert, mentions } of [...set.openers]) {
    if (incident.state !== "open" && incident.state !== "investigating") continue;
    // Where the incident has found another root, what opened it is a symptom and decides nothing.
    // What names no service waits until the others have shown themselves.
    if (alert.node === "" && turn.latest - alert.startsAt < config.settleMs) continue;
    if (incident.decidedByPerson || incident.root?.node !== alert.node) continue;
    const [best] = candidates(set, { alert, at: alert.startsAt, mentions: () => mentions, within: incident }, config);
    if (best === undefined || best.sum < config.joinAt || best.incident.decidedByPerson || best.incident.apart.has(incident.id)) continue;
    merge(turn, best.incident, incident, best.reasons, alert.startsAt);
  }
}

export function merge(turn: Turn, into: LiveIncident, from: LiveIncident, reasons: readonly Reason[], at: number, keep?: "into"): void {
  // What people may be looking at stays: the stored one, else the older.
  const isOlder = from.startedAt < into.startedAt || (from.startedAt === into.startedAt && from.id < into.id);
  const isNew = (incident: LiveIncident) => turn.opened.has(incident);
  const [kept, ended] = keep === undefined && (isNew(into) === isNew(from) ? isOlder : isNew(into)) ? [from, into] : [into, from];
  const neverSeen = isNew(ended);
  if (kept.state === "closed" || ended.state === "closed") return;
  const moved = [...ended.members.values()];
  moveMembers(turn.set, ended, kept, moved);
  kept.root = rootOf(kept, turn.set.graph);
  kept.rolesFor = undefined;
  const stateBefore = ended.state;
  ended.state = "closed";
  turn.set.incidents.delete(ended.id);
  turn.changed.add(kept);
  turn.changed.delete(ended);
  const fingerprints = moved.map((state) => state.fingerprint);
  const why = new Map(turn.members.filter((each) => each.incidentId === ended.id).map((each) => [each.fingerprint, each.reasons]));
  if (neverSeen) {
    // It began in this very batch: it never was.
    turn.opened.delete(ended);
    turn.grown.set(kept, [...(turn.grown.get(kept) ?? []), ...moved]);
    turn.members = turn.members.filter((each) => each.incidentId !== ended.id);
    turn.facts = turn.facts.filter((each) => each.incidentId !== ended.id);
  }
  turn.grown.delete(ended);
  for (const state of moved) {
    turn.states.add(state);
    turn.members.push({
      incidentId: kept.id,
      fingerprint: state.fingerprint,
      reasons: [...(why.get(state.fingerprint) ?? []), ...reasons],
      at,
    });
  }
  turn.endedInto.set(ended.id, kept.id);
  if (neverSeen) return;
  turn.merged.push({ from: ended, into: kept, reasons, fingerprints, stateBefore });
  const fact = { kind: "merged", at, fingerprints } as const;
  const text = sentence(reasons);
  const nameOf = (incident: LiveIncident) => incident.title || incident.id;
  turn.facts.push(
    { ...fact, incidentId: kept.id, otherIncidentId: ended.id, text: `took in ${nameOf(ended)}: ${text}`, key: `merged:${ended.id}` },
    { ...fact, incidentId: ended.id, otherIncidentId: kept.id, text: `merged into ${nameOf(kept)}: ${text}`, key: `merged:${kept.id}` },
  );
}

/** Ends the turn: titles, services and roles of what changed, and one `joined` fact for each incident that grew. */
function settle(turn: Turn): RoleDecision[] {
  const roles: RoleDecision[] = [];
  for (const incident of turn.changed) {
    if (incident.state === "closed") continue;
    const grown = turn.grown.get(incident);
    incident.title = titleOf(incident);
    incident.service = incident.root?.service ?? incident.service;
    // Roles hang on the root alone: while it stays, only newcomers need one.
    const undecided = incident.rolesFor === incident.root ? (grown ?? []) : incident.members.values();
    for (const member of undecided) {
      const decided = roleOf(incident, member, turn.set.graph);
      if (incident.roles.get(member.fingerprint) === decided.role && decided.role !== "root") continue;
      incident.roles.set(member.fingerprint, decided.role);
      roles.push({ incidentId: incident.id, fingerprint: member.fingerprint, ...decided });
    }
    incident.rolesFor = incident.root;
    const joined = turn.opened.has(incident) ? grown?.slice(1) : grown;
    if (joined === undefined || joined.length === 0) continue;
    const first = joined[0] as AlertState;
    const names = joined.slice(0, 3).map((state) => `${state.service ?? "?"}: ${state.name}`);
    turn.facts.push({
      kind: "joined",
      incidentId: incident.id,
      at: Math.max(...joined.slice(0, 100).map((state) => state.startsAt)),
      text: `${names.join(", ")}${joined.length > 3 ? ` and ${joined.length - 3} more` : ""} joined; root is ${incident.root?.service ?? "?"}: ${incident.root?.name}`,
      fingerprints: joined.slice(0, 100).map((state) => state.fingerprint),
      key: `joined:${first.fingerprint}:${first.startsAt}`,
    });
  }
  return roles;
}
