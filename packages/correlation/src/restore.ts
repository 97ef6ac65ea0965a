import type { Alert, IncidentState, MemberRole, Severity } from "@tocsin/contracts";
import { alertStateOf } from "./alert-state.ts";
import { addMember } from "./membership.ts";
import { rootOf } from "./roots.ts";
import type { AlertState, LiveIncident, WorkingSet } from "./working-set.ts";
import { memberlessIncident } from "./working-set.ts";

/** An alert as it was stored. */
export interface StoredAlert extends Pick<Alert, "fingerprint" | "name" | "severity" | "labels" | "annotations" | "status"> {
  readonly service: string | null;
  readonly startsAt: string;
  readonly endsAt: string | null;
  readonly receivedAt: string;
  readonly groupKey: string | null;
  readonly incidentId: string | null;
  readonly reason: string | null;
  readonly flapping: boolean;
  /** Unix milliseconds. */
  readonly transitions: readonly number[];
}

export interface StoredIncident {
  readonly id: string;
  readonly state: IncidentState;
  readonly title: string;
  readonly severity: Severity;
  readonly service: string | null;
  readonly startedAt: string;
  readonly lastAlertAt: string;
  readonly recoveredAt: string | null;
}

/** Puts a stored alert back into a working set that does not have it. */
export function restoreAlert(set: WorkingSet, stored: StoredAlert): AlertState {
  const { service, endsAt, groupKey, ...rest } = stored;
  const state = alertStateOf(
    {
      ...rest,
      ...(service === null ? {} : { service }),
      ...(endsAt === null ? {} : { endsAt }),
      ...(groupKey === null ? {} : { groupKey }),
    },
    set,
    Date.parse(stored.receivedAt),
  );
  state.transitions = stored.transitions.length === 0 ? undefined : [...stored.transitions];
  state.flapping = stored.flapping;
  if (state.flapping && state.status === "resolved") set.held.add(state);
  state.incidentId = stored.incidentId ?? undefined;
  state.suppressedBy = stored.incidentId === null ? (stored.reason ?? undefined) : undefined;
  set.alerts.set(state.fingerprint, state);
  return state;
}

/** Puts a stored incident with its members, in the order in which they joined, back into a working set. */
export function restoreIncident(
  set: WorkingSet,
  stored: StoredIncident,
  members: readonly (StoredAlert & { readonly role: MemberRole })[],
): LiveIncident {
  const incident = memberlessIncident({
    id: stored.id,
    scope: set.scope,
    state: stored.state,
    title: stored.title,
    severity: stored.severity,
    service: stored.service ?? undefined,
    startedAt: Date.parse(stored.startedAt),
    lastAt: Date.parse(stored.lastAlertAt),
  });
  set.incidents.set(incident.id, incident);
  for (const member of members) {
    addMember(set, incident, restoreAlert(set, member));
    incident.roles.set(member.fingerprint, member.role);
  }
  incident.root = rootOf(incident, set.graph);
  if (incident.root !== undefined && incident.roles.get(incident.root.fingerprint) === "root") incident.rolesFor = incident.root;
  incident.recoveredAt = stored.recoveredAt === null || incident.firing > 0 ? undefined : Date.parse(stored.recoveredAt);
  return incident;
}
