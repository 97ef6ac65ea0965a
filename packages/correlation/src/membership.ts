import type { Severity } from "@tocsin/contracts";
import { learnedKey } from "./evidence.ts";
import type { Graph } from "./graph.ts";
import { rootOf, summarise } from "./roots.ts";
import type { AlertState, LiveIncident, WorkingSet } from "./working-set.ts";
import { nodeOf, parseWorkload } from "./workload.ts";

const RANK: Readonly<Record<Severity, number>> = { critical: 2, warning: 1, info: 0 };
export const worse = (a: Severity, b: Severity): Severity => (RANK[b] > RANK[a] ? b : a);

/** Rules and texts of an incident are hints; so many are enough. */
const MAX_SIGNATURES = 64;
const RECENT = 16;

/** Puts an alert into an incident and every index; the caller sets the root anew. */
export function addMember(set: WorkingSet, incident: LiveIncident, alert: AlertState): void {
  incident.members.set(alert.fingerprint, alert);
  alert.incidentId = incident.id;
  if (alert.status === "firing" || set.held.has(alert)) {
    incident.firing++;
    incident.recoveredAt = undefined;
  }
  incident.startedAt = Math.min(incident.startedAt, alert.startsAt);
  incident.lastAt = Math.max(incident.lastAt, alert.startsAt);
  incident.severity = worse(incident.severity, alert.severity);
  if (incident.rules.size < MAX_SIGNATURES) {
    incident.rules.add(learnedKey(alert));
    incident.rules.add(`|${alert.name}`);
  }
  if (alert.template !== "" && incident.templates.size < MAX_SIGNATURES) incident.templates.add(alert.template);
  summarise(incident, alert, set.graph);
  if (alert.node !== "") set.byNode.add(alert.node, incident);
  else set.byRule.add(alert.name, incident);
  if (alert.service !== undefined) set.byBase.add(parseWorkload(alert.service).base, incident);
  for (const key of alert.infrastructure) set.byInfrastructure.add(key, incident);
  const { recent } = set;
  if (recent[recent.length - 1] !== incident) {
    const at = recent.indexOf(incident);
    if (at >= 0) recent.splice(at, 1);
    recent.push(incident);
    if (recent.length > RECENT) recent.shift();
  }
}

/** Takes alerts out of an incident; its summaries and indexes are made anew from what stays. */
export function removeMembers(set: WorkingSet, incident: LiveIncident, alerts: readonly AlertState[]): void {
  forgetIndexes(set, incident);
  const gone = new Set(alerts);
  const stay = [...incident.members.values()].filter((each) => !gone.has(each));
  for (const alert of alerts) {
    incident.roles.delete(alert.fingerprint);
    alert.incidentId = undefined;
  }
  rebuild(set, incident, stay);
}

function rebuild(set: WorkingSet, incident: LiveIncident, members: readonly AlertState[]): void {
  const { recoveredAt } = incident;
  incident.members.clear();
  incident.nodes.clear();
  incident.rules.clear();
  incident.templates.clear();
  incident.firing = 0;
  if (members.length > 0) {
    incident.startedAt = Number.POSITIVE_INFINITY;
    incident.severity = "info";
  }
  for (const alert of members) addMember(set, incident, alert);
  if (incident.firing === 0) incident.recoveredAt = recoveredAt;
}

/** Takes over a new topology: every alert finds its node again, and incidents are indexed under the new ones. Membership stays. */
export function relocate(set: WorkingSet, graph: Graph): void {
  const recent = [...set.recent];
  for (const incident of set.incidents.values()) forgetIndexes(set, incident);
  set.graph = graph;
  for (const alert of set.alerts.values()) if (alert.service !== undefined) alert.node = nodeOf(alert.service, alert.namespace, graph);
  for (const incident of set.incidents.values()) {
    rebuild(set, incident, [...incident.members.values()]);
    incident.root = rootOf(incident, set.graph);
  }
  set.recent.splice(0, set.recent.length, ...recent);
}

export function moveMembers(set: WorkingSet, from: LiveIncident, to: LiveIncident, alerts: readonly AlertState[]): void {
  removeMembers(set, from, alerts);
  for (const alert of alerts) addMember(set, to, alert);
}

/** Forgets an incident that is closed. Its resolved alerts go too: if they fire again, the database knows them. */
export function forgetIncident(set: WorkingSet, incident: LiveIncident): void {
  incident.state = "closed";
  forgetIndexes(set, incident);
  set.incidents.delete(incident.id);
  for (const alert of incident.members.values()) {
    set.held.delete(alert);
    if (alert.status === "resolved" && alert.incidentId === incident.id) set.alerts.delete(alert.fingerprint);
  }
}

function forgetIndexes(set: WorkingSet, incident: LiveIncident): void {
  for (const alert of incident.members.values()) {
    if (alert.node !== "") set.byNode.remove(alert.node, incident);
    else set.byRule.remove(alert.name, incident);
    if (alert.service !== undefined) set.byBase.remove(parseWorkload(alert.service).base, incident);
    for (const key of alert.infrastructure) set.byInfrastructure.remove(key, incident);
  }
  const at = set.recent.indexOf(incident);
  if (at >= 0) set.recent.splice(at, 1);
}
