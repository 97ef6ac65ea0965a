// Terms. A *transition* is one change of one alert: it starts to fire or it resolves. Its *event time* says when that was; messages may
// come late, twice or from a twin, and event time alone decides what they mean. A *fact* is what an incident's timeline will say.
import type { Alert, IncidentState, MemberRole, Reason } from "@tocsin/contracts";
import { type CorrelationConfig, DEFAULT_CORRELATION, INFRASTRUCTURE_LABELS, type InfrastructureKind } from "./config.ts";
import { learn, type PairChange } from "./cooccurrence.ts";
import { candidates, learnedKey, type Newcomer } from "./evidence.ts";
import { addMember, moveMembers, worse } from "./membership.ts";
import { mergeable } from "./merge.ts";
import { roleOf, rootOf, titleOf } from "./roots.ts";
import { bearingOf, mentionsIn, templateOf } from "./signature.ts";
import { firstOf, type Suppression, type Suppressor, watchdogSuppressor } from "./suppression.ts";
import { type AlertState, type LiveIncident, shared, type WorkingSet } from "./working-set.ts";
import { nodeOf, subjectOf } from "./workload.ts";

/** What became of one message. `duplicate` changes nothing and is told nowhere; the others are stored once each. */
export interface AlertDecision {
  readonly alert: Alert;
  readonly effect: "started" | "refired" | "resolved" | "same" | "late" | "duplicate" | "suppressed";
  readonly outcome: "incident" | "suppressed";
  readonly incidentId: string | undefined;
  readonly reason: string;
}

export interface MemberDecision {
  readonly incidentId: string;
  readonly fingerprint: string;
  readonly reasons: readonly Reason[];
  readonly at: number;
}

export interface RoleDecision {
  readonly incidentId: string;
  readonly fingerprint: string;
  readonly role: MemberRole;
  readonly reasons: readonly Reason[];
}

export interface Fact {
  readonly kind: "opened" | "joined" | "recovered" | "refired" | "flapping" | "merged" | "split";
  readonly incidentId: string;
  readonly otherIncidentId?: string;
  /** Event time, milliseconds. */
  readonly at: number;
  readonly text: string;
  readonly fingerprints: readonly string[];
  /** Names the effect: the same effect has the same key, so telling it again is ignored. */
  readonly key: string;
}

export interface Decisions {
  /** One for each message, in the order of the batch. */
  readonly alerts: readonly AlertDecision[];
  /** Alerts whose last known state changed. */
  readonly states: ReadonlySet<AlertState>;
  readonly opened: ReadonlySet<LiveIncident>;
  /** Incidents to be written, the opened ones included. */
  readonly changed: ReadonlySet<LiveIncident>;
  readonly members: readonly MemberDecision[];
  readonly roles: readonly RoleDecision[];
  /** Incidents that ended by being merged into another. */
  readonly merged: readonly {
    readonly from: LiveIncident;
    readonly into: LiveIncident;
    readonly reasons: readonly Reason[];
    readonly fingerprints: readonly string[] /** Of `from`, before it ended. */;
    readonly stateBefore: IncidentState;
  }[];
  readonly facts: readonly Fact[];
  readonly pairs: readonly PairChange[];
}

export interface CorrelateOptions {
  readonly config?: CorrelationConfig;
  /** Dedupe keys of the batch that are stored already. */
  readonly known?: ReadonlySet<string>;
  /** Silences and maintenance windows. */
  readonly suppress?: Suppressor;
}

/** Clocks before this are wrong; the alert counts from when it was received. */
const EARLIEST = Date.parse("2000-01-01T00:00:00Z");
const MAX_AHEAD_MS = 5 * 60_000;
/** So many incidents back, what opened one is looked at again in the light of what came after. */
const OPENERS_KEPT = 16;

/** An event time that can be trusted for grouping: what lies before 2000 or in the future counts as received. */
function trusted(time: number, receivedAt: number): number {
  return Number.isNaN(time) || time < EARLIEST || time > receivedAt + MAX_AHEAD_MS ? receivedAt : time;
}

const isDepth = Object.entries(INFRASTRUCTURE_LABELS).filter(([kind]) => kind !== "namespace" && kind !== "cluster") as [
  InfrastructureKind,
  readonly string[],
][];

/** Makes the state of an alert from its message; also used to restore one from the database. */
export function alertStateOf(
  alert: Omit<Alert, "dedupeKey" | "receivedAt" | "scope" | "source">,
  set: WorkingSet,
  receivedAt: number,
): AlertState {
  const subject = subjectOf(alert);
  const { labels } = alert;
  let namespace: string | undefined;
  for (const name of INFRASTRUCTURE_LABELS.namespace) namespace ??= labels[name];
  const node = subject === undefined ? "" : nodeOf(subject, namespace, set.graph);
  const fromTopology = node === "" ? undefined : set.graph.labels(node);
  const infrastructure: string[] = [];
  for (const [kind, names] of isDepth) {
    for (const name of names) {
      const value = labels[name] ?? fromTopology?.[name];
      if (value) {
        infrastructure.push(shared(set, `${kind}=${value}`));
        break;
      }
    }
  }
  const startsAt = trusted(Date.parse(alert.startsAt), receivedAt);
  return {
    fingerprint: alert.fingerprint,
    name: alert.name,
    service: subject,
    node,
    severity: alert.severity,
    bearing: bearingOf(alert.name),
    template: shared(set, templateOf(alert.annotations, labels)),
    groupKey: alert.groupKey,
    namespace,
    infrastructure,
    status: alert.status,
    startsAt,
    endsAt:
      alert.status === "resolved" ? trusted(alert.endsAt === undefined ? Number.NaN : Date.parse(alert.endsAt), receivedAt) : undefined,
    transitions: undefined,
    flapping: false,
    incidentId: undefined,
    suppressedBy: undefined,
  };
}

/**
 * Takes a batch of messages of one scope into the working set and says what follows. Deterministic: equal sets and equal batches
 * give equal decisions, and the order of messages inside a batch does not matter.
 *
 * The set is advanced in place and belongs to the caller: one whose decisions could not be stored has to be thrown away and
 * loaded anew.
 */
export function correlate(set: WorkingSet, batch: readonly Alert[], options: CorrelateOptions = {}): Decisions {
  const config = options.config ?? DEFAULT_CORRELATION;
  const watchdog = watchdogSuppressor(config.watchdogNames);
  const turn: Turn = {
    set,
    config,
    suppress: options.suppress ? firstOf(watchdog, options.suppress) : watchdog,
    states: new Set(),
    opened: new Set(),
    changed: new Set(),
    grown: new Map(),
    members: [],
    endedInto: new Map(),
    merged: [],
    facts: [],
    pairs: [],
    latest: 0,
  };
  const seen = new Set<string>();
  const outcomes = new Map<Alert, AlertDecision>();
  for (const item of inEventOrder(batch)) {
    turn.latest = Math.max(turn.latest, item.at);
    const { alert } = item;
    const isKnown = options.known?.has(alert.dedupeKey) === true || seen.has(alert.dedupeKey);
    seen.add(alert.dedupeKey);
    outcomes.set(alert, isKnown ? duplicate(turn, alert) : take(turn, item));
  }
  reconsider(turn);
  const roles = settle(turn);
  return {
    alerts: batch.map((alert) => whereItIs(turn, outcomes.get(alert) as AlertDecision)),
    states: turn.states,
    opened: turn.opened,
    changed: turn.changed,
    members: turn.members,
    roles,
    merged: turn.merged,
    facts: turn.facts,
    pairs: turn.pairs,
  };
}

/** A later alert of the batch may have merged the incident that an earlier one joined. */
function whereItIs({ endedInto }: Turn, decision: AlertDecision): AlertDecision {
  let { incidentId } = decision;
  while (incidentId !== undefined && endedInto.has(incidentId)) incidentId = endedInto.get(incidentId);
  return incidentId === decision.incidentId ? decision : { ...decision, incidentId };
}

interface Turn {
  readonly set: WorkingSet;
  readonly config: CorrelationConfig;
  readonly suppress: Suppressor;
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
  /** The latest event time of the batch. */
  latest: number;
}

interface Timed {
  readonly alert: Alert;
  readonly receivedAt: number;
  readonly startsAt: number;
  /** When the transition happened. */
  readonly at: number;
}

function inEventOrder(batch: readonly Alert[]): Timed[] {
  const timed = batch.map((alert): Timed => {
    const receivedAt = Date.parse(alert.receivedAt);
    const startsAt = trusted(Date.parse(alert.startsAt), receivedAt);
    const endsAt = alert.endsAt === undefined ? receivedAt : trusted(Date.parse(alert.endsAt), receivedAt);
    return { alert, receivedAt, startsAt, at: alert.status === "firing" ? startsAt : Math.max(startsAt, endsAt) };
  });
  return timed.sort(
    (a, b) =>
      a.at - b.at ||
      (a.alert.status === b.alert.status ? 0 : a.alert.status === "firing" ? -1 : 1) ||
      (a.alert.fingerprint < b.alert.fingerprint ? -1 : a.alert.fingerprint > b.alert.fingerprint ? 1 : 0) ||
      (a.alert.dedupeKey < b.alert.dedupeKey ? -1 : 1),
  );
}

function duplicate({ set }: Turn, alert: Alert): AlertDecision {
  const state = set.alerts.get(alert.fingerprint);
  return {
    alert,
    effect: "duplicate",
    outcome: state?.incidentId === undefined ? "suppressed" : "incident",
    incidentId: state?.incidentId,
    reason: "received before",
  };
}

function take(turn: Turn, item: Timed): AlertDecision {
  const { set } = turn;
  const current = set.alerts.get(item.alert.fingerprint);
  if (item.alert.status === "resolved") return takeResolved(turn, item, current);
  if (current === undefined) return start(turn, item, undefined);
  if (current.status === "firing") {
    // A twin, or a re-send that changed only its start: the alert fires already.
    if (item.startsAt < current.startsAt) current.startsAt = item.startsAt;
    turn.states.add(current);
    return told(item.alert, "same", current, "fires already: another source of the same alert");
  }
  if (item.startsAt <= (current.endsAt as number))
    return told(item.alert, "late", current, `began before it was resolved at ${iso(current.endsAt)}`);
  return start(turn, item, current);
}

const iso = (ms: number | undefined): string => (ms === undefined ? "" : new Date(ms).toISOString());

function told(alert: Alert, effect: AlertDecision["effect"], state: AlertState, reason: string): AlertDecision {
  return {
    alert,
    effect,
    outcome: state.incidentId === undefined ? "suppressed" : "incident",
    incidentId: state.incidentId,
    reason: state.suppressedBy ?? reason,
  };
}

function takeResolved(turn: Turn, item: Timed, current: AlertState | undefined): AlertDecision {
  const { set } = turn;
  const { alert, at } = item;
  if (current === undefined) {
    const state = alertStateOf(alert, set, item.receivedAt);
    state.suppressedBy = "resolved-unseen: resolved before it was seen firing";
    set.alerts.set(alert.fingerprint, state);
    turn.states.add(state);
    return told(alert, "suppressed", state, "");
  }
  if (at < current.startsAt) return told(alert, "late", current, `an earlier episode; it began again at ${iso(current.startsAt)}`);
  if (current.status === "resolved") {
    if (at > (current.endsAt as number)) {
      current.endsAt = at;
      turn.states.add(current);
    }
    return told(alert, "same", current, "resolved already");
  }
  current.status = "resolved";
  current.endsAt = at;
  turn.states.add(current);
  noteTransition(turn, current, at);
  const incident = current.incidentId === undefined ? undefined : set.incidents.get(current.incidentId);
  if (incident !== undefined) {
    turn.changed.add(incident);
    incident.lastAt = Math.max(incident.lastAt, at);
    // A flapping alert is held as firing until it has been quiet for a while: see `settleFlapping`.
    if (!current.flapping) leave(turn, incident, current, at, alert.dedupeKey);
  }
  return told(alert, "resolved", current, `resolved at ${iso(at)}`);
}

/** One member fires no longer. */
function leave(turn: Turn, incident: LiveIncident, alert: AlertState, at: number, key: string): void {
  incident.firing = Math.max(0, incident.firing - 1);
  if (incident.firing > 0) return;
  incident.recoveredAt = at;
  turn.facts.push({
    kind: "recovered",
    incidentId: incident.id,
    at,
    text: `every alert is resolved; the last was ${alert.service ?? "?"}: ${alert.name}`,
    fingerprints: [alert.fingerprint],
    key: `recovered:${key}`,
  });
}

function noteTransition({ config }: Turn, alert: AlertState, at: number): void {
  const kept = (alert.transitions ?? []).filter((each) => at - each < config.flappingWindowMs);
  if (alert.transitions === undefined && alert.status === "resolved" && at - alert.startsAt < config.flappingWindowMs)
    kept.push(alert.startsAt);
  kept.push(at);
  alert.transitions = kept.slice(-16);
  // The first firing and its resolution are an ordinary life: flapping takes a return and another end at least.
  alert.flapping = alert.transitions.length > config.flappingTransitions;
}

function start(turn: Turn, item: Timed, before: AlertState | undefined): AlertDecision {
  const { set, config } = turn;
  const { alert } = item;
  const suppression: Suppression | undefined = turn.suppress(alert, item.at);
  const state = before ?? alertStateOf(alert, set, item.receivedAt);
  turn.states.add(state);
  if (before !== undefined) {
    before.status = "firing";
    before.startsAt = item.startsAt;
    before.endsAt = undefined;
    before.severity = alert.severity;
    noteTransition(turn, before, item.at);
  } else set.alerts.set(alert.fingerprint, state);
  if (suppression !== undefined) {
    state.incidentId = undefined;
    state.suppressedBy = `${suppression.rule}: ${suppression.text}`;
    return told(alert, "suppressed", state, "");
  }
  state.suppressedBy = undefined;
  if (state.node !== "")
    turn.pairs.push(...learn(set.pairs, learnedKey(state), item.at, config.windowMs, config.pairHalfLifeMs, config.pairMinimum));

  const earlier = state.incidentId === undefined ? undefined : set.incidents.get(state.incidentId);
  if (earlier !== undefined && earlier.state !== "closed" && earlier.members.has(state.fingerprint))
    return refire(turn, item, state, earlier);
  return place(turn, item, state, state.incidentId);
}

function refire(turn: Turn, item: Timed, state: AlertState, incident: LiveIncident): AlertDecision {
  turn.changed.add(incident);
  incident.lastAt = Math.max(incident.lastAt, item.at);
  const wasRecovered = incident.firing === 0;
  incident.firing++;
  incident.recoveredAt = undefined;
  incident.severity = worse(incident.severity, state.severity);
  const flaps = state.flapping
    ? `; flapping, ${state.transitions?.length} transitions in ${Math.round(turn.config.flappingWindowMs / 60_000)} min`
    : "";
  turn.facts.push({
    kind: state.flapping && !wasRecovered ? "flapping" : "refired",
    incidentId: incident.id,
    at: item.at,
    text: `${state.service ?? "?"}: ${state.name} fires again${flaps}`,
    fingerprints: [state.fingerprint],
    key: `refired:${item.alert.dedupeKey}`,
  });
  return told(item.alert, "refired", state, `fires again in ${incident.id}${flaps}`);
}

function place(turn: Turn, item: Timed, state: AlertState, earlierIncident: string | undefined): AlertDecision {
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
    return told(item.alert, "started", state, sentence(best.reasons));
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
  return told(item.alert, "started", state, `opened ${incident.id}`);
}

const sentence = (reasons: readonly Reason[]): string =>
  reasons.length === 0 ? "nothing ties them" : reasons.map((reason) => reason.text).join("; ");

function open(turn: Turn, item: Timed, state: AlertState): LiveIncident {
  const incident: LiveIncident = {
    // Named by the transition that opened it, which happens once: the same history gives the same ids.
    id: `inc_${item.alert.dedupeKey.slice(7, 39)}`,
    scope: turn.set.scope,
    state: "open",
    title: "",
    severity: state.severity,
    service: state.service,
    startedAt: item.startsAt,
    lastAt: item.startsAt,
    recoveredAt: undefined,
    firing: 0,
    members: new Map(),
    roles: new Map(),
    nodes: new Map(),
    rules: new Set(),
    templates: new Set(),
    root: undefined,
    rolesFor: undefined,
    apart: new Set(),
    decidedByPerson: false,
  };
  turn.set.incidents.set(incident.id, incident);
  turn.opened.add(incident);
  return incident;
}

function join(turn: Turn, incident: LiveIncident, state: AlertState, item: Timed, reasons: readonly Reason[]): void {
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

function merge(turn: Turn, into: LiveIncident, from: LiveIncident, reasons: readonly Reason[], at: number): void {
  // What people may be looking at stays: the stored one, else the older.
  const isOlder = from.startedAt < into.startedAt || (from.startedAt === into.startedAt && from.id < into.id);
  const isNew = (incident: LiveIncident) => turn.opened.has(incident);
  const [kept, ended] = (isNew(into) === isNew(from) ? isOlder : isNew(into)) ? [from, into] : [into, from];
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
    turn.members.push({ incidentId: kept.id, fingerprint: state.fingerprint, reasons, at });
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
