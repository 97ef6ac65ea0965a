import type { CorrelationConfig } from "./config.ts";
import type { Decisions } from "./decisions.ts";
import { beginTurn, endTurn, type Turn } from "./turn.ts";
import type { AlertState, LiveIncident, WorkingSet } from "./working-set.ts";

/** One member fires no longer. */
export function leave(turn: Turn, incident: LiveIncident, alert: AlertState, at: number, key: string): void {
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

/**
 * Lets go of flapping alerts that have been resolved and quiet for {@link CorrelationConfig.flappingHoldMs}: from then on they no longer
 * flap, and an incident of which they were the last to fire has recovered.
 */
export function releaseQuiet(set: WorkingSet, nowMs: number, config: CorrelationConfig): Decisions {
  const turn = beginTurn(set, config);
  for (const alert of [...set.held]) {
    const resolvedAt = alert.endsAt ?? nowMs;
    if (nowMs - resolvedAt < config.flappingHoldMs) continue;
    set.held.delete(alert);
    alert.flapping = false;
    turn.states.add(alert);
    const incident = alert.incidentId === undefined ? undefined : set.incidents.get(alert.incidentId);
    if (incident === undefined || !incident.members.has(alert.fingerprint)) continue;
    turn.changed.add(incident);
    leave(turn, incident, alert, resolvedAt, `${alert.fingerprint}:${resolvedAt}`);
  }
  return endTurn(turn);
}
