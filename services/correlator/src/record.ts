// Decisions into rows and events. Pure: the statements are the store's.
import {
  type EventDefinition,
  eventOf,
  type IncidentFact,
  IncidentJoined,
  IncidentMerged,
  IncidentOpened,
  IncidentRecovered,
  IncidentRefired,
  IncidentSplit,
  type IncidentState,
  type OutgoingEvent,
} from "@tocsin/contracts";
import type { AlertState, Decisions, Fact, LiveIncident } from "@tocsin/correlation";
import { isoTime } from "@tocsin/runtime";
import { type AlertChange, type AlertRow, type CorrelatedIncident, type NewMember, ROLE_REASON_PREFIX } from "@tocsin/store";

export const SOURCE = "/tocsin/correlator";

const DEFINITIONS: Readonly<Record<Fact["kind"], EventDefinition<typeof IncidentFact>>> = {
  opened: IncidentOpened,
  joined: IncidentJoined,
  recovered: IncidentRecovered,
  refired: IncidentRefired,
  flapping: IncidentJoined,
  merged: IncidentMerged,
  split: IncidentSplit,
};

/** The events that tell of the facts. Their ids name the effect: the same effect told again is the same event. */
export function eventsOf(facts: readonly Fact[], stateOf: (incidentId: string) => IncidentState, nowMs: number): OutgoingEvent[] {
  return facts.map((fact) =>
    eventOf(
      DEFINITIONS[fact.kind],
      { id: `${fact.incidentId}:${fact.key}`.slice(0, 200), source: SOURCE, time: isoTime(nowMs) },
      {
        incidentId: fact.incidentId,
        at: isoTime(fact.at),
        kind: fact.kind,
        text: fact.text.slice(0, 2_000),
        state: stateOf(fact.incidentId),
        fingerprints: [...fact.fingerprints],
        ...(fact.otherIncidentId === undefined ? {} : { otherIncidentId: fact.otherIncidentId }),
      },
    ),
  );
}

/** The alerts to write: in full where a message came for them, what changed where not. */
export function alertRows(scope: string, decisions: Decisions): { rows: AlertRow[]; changes: AlertChange[] } {
  const told = new Map<string, Decisions["alerts"][number]>();
  for (const decision of decisions.alerts)
    if (decision.effect !== "duplicate" && decision.effect !== "late" && decision.effect !== "same") {
      // The latest in event time speaks for the alert: it carries the annotations that hold now.
      const known = told.get(decision.alert.fingerprint);
      if (known === undefined || isLater(decision, known)) told.set(decision.alert.fingerprint, decision);
    }
  const rows: AlertRow[] = [];
  const changes: AlertChange[] = [];
  for (const state of decisions.states) {
    const decision = told.get(state.fingerprint);
    if (decision === undefined) changes.push({ ...changeOf(scope, state), reason: decisions.reasons.get(state.fingerprint) });
    else rows.push(rowOf(scope, state, decision));
  }
  return { rows, changes };
}

const momentOf = ({ alert }: Decisions["alerts"][number]): number => Date.parse(alert.endsAt ?? alert.startsAt);
function isLater(a: Decisions["alerts"][number], b: Decisions["alerts"][number]): boolean {
  const order = momentOf(a) - momentOf(b);
  return order > 0 || (order === 0 && a.alert.status === "resolved");
}

const changeOf = (scope: string, state: AlertState): AlertChange => ({
  scope,
  fingerprint: state.fingerprint,
  startsAt: state.startsAt,
  endsAt: state.endsAt,
  incidentId: state.incidentId,
  flapping: state.flapping,
});

const rowOf = (scope: string, state: AlertState, { alert, reason }: Decisions["alerts"][number]): AlertRow => ({
  scope,
  fingerprint: state.fingerprint,
  name: alert.name,
  service: alert.service ?? null,
  severity: state.severity,
  source: alert.source,
  labels: alert.labels,
  annotations: alert.annotations,
  status: state.status,
  startsAt: isoTime(state.startsAt),
  endsAt: state.endsAt === undefined ? null : isoTime(state.endsAt),
  receivedAt: alert.receivedAt,
  generatorURL: alert.generatorURL ?? null,
  groupKey: alert.groupKey ?? null,
  incidentId: state.incidentId ?? null,
  reason: state.suppressedBy ?? reason,
  flapping: state.flapping,
  transitions: state.transitions ?? [],
});

export const incidentRows = (incidents: readonly LiveIncident[]): CorrelatedIncident[] =>
  incidents.map((incident) => ({
    id: incident.id,
    scope: incident.scope,
    title: incident.title,
    severity: incident.severity,
    service: incident.service,
    startedAt: incident.startedAt,
    lastAlertAt: incident.lastAt,
    recoveredAt: incident.recoveredAt,
    alertCount: incident.members.size,
  }));

/** New members with their role, and new roles of members that were there before. */
export function memberRows(scope: string, decisions: Decisions): { members: NewMember[]; roles: NewMember[] } {
  const key = (incidentId: string, fingerprint: string) => `${incidentId}\n${fingerprint}`;
  const roleOf = new Map(decisions.roles.map((each) => [key(each.incidentId, each.fingerprint), each]));
  const members = new Map<string, NewMember>();
  for (const { incidentId, fingerprint, reasons } of decisions.members) {
    const id = key(incidentId, fingerprint);
    const role = roleOf.get(id);
    members.set(id, { incidentId, scope, fingerprint, role: role?.role ?? "member", reasons: [...reasons, ...prefixed(role?.reasons)] });
  }
  const roles: NewMember[] = [];
  for (const [id, { incidentId, fingerprint, role, reasons }] of roleOf)
    if (!members.has(id)) roles.push({ incidentId, scope, fingerprint, role, reasons: prefixed(reasons) });
  return { members: [...members.values()], roles };
}

const prefixed = (reasons: NewMember["reasons"] = []) => reasons.map((reason) => ({ ...reason, kind: ROLE_REASON_PREFIX + reason.kind }));
