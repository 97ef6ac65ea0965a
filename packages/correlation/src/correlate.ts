// Terms. A *transition* is one change of one alert: it starts to fire or it resolves. Its *event time* says when that was; messages may
// come late, twice or from a twin, and event time alone decides what they mean.
import type { Alert } from "@tocsin/contracts";
import { alertStateOf, trusted } from "./alert-state.ts";
import { type CorrelationConfig, DEFAULT_CORRELATION } from "./config.ts";
import { learn } from "./cooccurrence.ts";
import type { AlertDecision, Decisions } from "./decisions.ts";
import { learnedKey } from "./evidence.ts";
import { worse } from "./membership.ts";
import { leave } from "./quiet.ts";
import { firstOf, type Suppression, type Suppressor, watchdogSuppressor } from "./suppression.ts";
import { type Arrival, beginTurn, endTurn, place, type Turn } from "./turn.ts";
import type { AlertState, LiveIncident, WorkingSet } from "./working-set.ts";

export interface CorrelateOptions {
  readonly config?: CorrelationConfig;
  /** Dedupe keys of the batch that are stored already. */
  readonly known?: ReadonlySet<string>;
  /** Silences and maintenance windows. */
  readonly suppress?: Suppressor;
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
  const suppress = options.suppress ? firstOf(watchdog, options.suppress) : watchdog;
  const turn = beginTurn(set, config);
  const seen = new Set<string>();
  const outcomes = new Map<Alert, AlertDecision>();
  for (const item of inEventOrder(batch)) {
    turn.latest = Math.max(turn.latest, item.at);
    const { alert } = item;
    const isKnown = options.known?.has(alert.dedupeKey) === true || seen.has(alert.dedupeKey);
    seen.add(alert.dedupeKey);
    outcomes.set(alert, isKnown ? duplicate(turn, alert) : take(turn, item, suppress));
  }
  return endTurn(
    turn,
    batch.map((alert) => outcomes.get(alert) as AlertDecision),
  );
}

interface Timed extends Arrival {
  readonly alert: Alert;
  readonly receivedAt: number;
}

/** The messages in the order in which what they tell happened, whatever the order in which they came. */
export const eventOrder = (batch: readonly Alert[]): Alert[] => inEventOrder(batch).map(({ alert }) => alert);

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

function take(turn: Turn, item: Timed, suppress: Suppressor): AlertDecision {
  const { set } = turn;
  const current = set.alerts.get(item.alert.fingerprint);
  if (item.alert.status === "resolved") return takeResolved(turn, item, current);
  if (current === undefined) return start(turn, item, undefined, suppress);
  if (current.status === "firing") {
    // A twin, or a re-send that changed only its start: the alert fires already.
    if (item.startsAt < current.startsAt) current.startsAt = item.startsAt;
    turn.states.add(current);
    return told(item.alert, "same", current, "fires already: another source of the same alert");
  }
  if (item.startsAt <= (current.endsAt as number))
    return told(item.alert, "late", current, `began before it was resolved at ${iso(current.endsAt)}`);
  return start(turn, item, current, suppress);
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
    // A flapping alert is held as firing until it has been quiet for a while: see `releaseQuiet`.
    if (current.flapping) set.held.add(current);
    else leave(turn, incident, current, at, alert.dedupeKey);
  }
  return told(alert, "resolved", current, `resolved at ${iso(at)}`);
}

function forgetTransitions(set: WorkingSet, alert: AlertState): void {
  alert.transitions = undefined;
  alert.flapping = false;
  set.held.delete(alert);
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

function start(turn: Turn, item: Timed, before: AlertState | undefined, suppress: Suppressor): AlertDecision {
  const { set, config } = turn;
  const { alert } = item;
  // Whether a rule holds is asked of when we heard of it: a delivery that was late in coming meets the rules of now.
  const suppression: Suppression | undefined = suppress(alert, item.receivedAt);
  const state = before ?? alertStateOf(alert, set, item.receivedAt);
  const earlier = state.incidentId === undefined ? undefined : set.incidents.get(state.incidentId);
  const isMember = earlier !== undefined && earlier.state !== "closed" && earlier.members.has(state.fingerprint);
  turn.states.add(state);
  if (before !== undefined) {
    // What belongs to an incident that is closed is history: it flaps only by what happens from here on.
    if (!isMember) forgetTransitions(set, before);
    before.status = "firing";
    before.startsAt = item.startsAt;
    before.endsAt = undefined;
    before.severity = alert.severity;
    if (isMember) noteTransition(turn, before, item.at);
  } else set.alerts.set(alert.fingerprint, state);
  // What is in a live incident stays in sight.
  if (suppression !== undefined && !isMember) {
    state.incidentId = undefined;
    state.suppressedBy = `${suppression.rule}: ${suppression.text}`;
    return told(alert, "suppressed", state, "");
  }
  state.suppressedBy = undefined;
  if (state.node !== "")
    turn.pairs.push(...learn(set.pairs, learnedKey(state), item.at, config.windowMs, config.pairHalfLifeMs, config.pairMinimum));

  if (isMember) return refire(turn, item, state, earlier);
  const why = place(turn, item, state, state.incidentId);
  return told(alert, "started", state, why);
}

function refire(turn: Turn, item: Timed, state: AlertState, incident: LiveIncident): AlertDecision {
  turn.changed.add(incident);
  incident.lastAt = Math.max(incident.lastAt, item.at);
  const wasRecovered = incident.firing === 0;
  if (!turn.set.held.delete(state)) incident.firing++;
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
