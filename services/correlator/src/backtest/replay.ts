// A dry run of the engine over what really came: no store, no events, the same decisions.
import type { Alert } from "@tocsin/contracts";
import {
  correlate,
  createWorkingSet,
  firstOf,
  forgetIncident,
  type Graph,
  type LiveIncident,
  releaseQuiet,
  ruleSuppressor,
  type Suppressor,
  type WorkingSet,
} from "@tocsin/correlation";
import type { Rules } from "../rule-file.ts";

export interface ReplayOptions {
  readonly rules: Rules;
  readonly graph: Graph;
  /** What people held back when it happened; held back again, whatever the rules. */
  readonly asItWas: Suppressor;
  /** How long an incident has to be quiet before it closes, in milliseconds. */
  readonly closeAfterMs: number;
}

export interface ReplayedIncident {
  readonly id: string;
  readonly title: string;
  readonly scope: string;
  readonly startedAt: number;
  readonly members: number;
}

export interface Replay {
  readonly incidents: ReadonlyMap<string, ReplayedIncident>;
  /** Of each transition that began to fire, by its dedupe key. */
  readonly placed: ReadonlyMap<string, { readonly incidentId: string } | { readonly suppressedBy: string }>;
}

const BATCH_MS = 1_000;
const MAX_BATCH = 500;
const TEND_EVERY_MS = 10_000;

/** Replays transitions, which are in the order in which they were received. */
export function replay(history: readonly Alert[], options: ReplayOptions): Replay {
  const { rules, graph, asItWas } = options;
  const suppress = firstOf(asItWas, ruleSuppressor(rules.suppress));
  const sets = new Map<string, WorkingSet>();
  const incidents = new Map<string, ReplayedIncident>();
  const placed = new Map<string, { incidentId: string } | { suppressedBy: string }>();
  const endedInto = new Map<string, string>();
  const note = (incident: LiveIncident): void => {
    const { id, title, scope, startedAt } = incident;
    incidents.set(id, { id, title, scope, startedAt, members: Math.max(incident.members.size, incidents.get(id)?.members ?? 0) });
  };

  let tendedAt = 0;
  for (const batch of batches(history)) {
    const now = Date.parse((batch.at(-1) as Alert).receivedAt);
    if (now - tendedAt >= TEND_EVERY_MS) {
      for (const set of sets.values()) tend(set, now, options);
      tendedAt = now;
    }
    for (const [scope, alerts] of Map.groupBy(batch, (alert) => alert.scope)) {
      const set = sets.get(scope) ?? createWorkingSet(scope, graph);
      sets.set(scope, set);
      const decisions = correlate(set, alerts, { config: rules.correlation, suppress });
      for (const { from, into } of decisions.merged) {
        endedInto.set(from.id, into.id);
        incidents.delete(from.id);
      }
      for (const incident of decisions.changed) note(incident);
      for (const { alert, outcome, incidentId, reason, effect } of decisions.alerts) {
        if (alert.status !== "firing" || effect === "duplicate") continue;
        if (outcome === "incident" && incidentId !== undefined) placed.set(alert.dedupeKey, { incidentId });
        else placed.set(alert.dedupeKey, { suppressedBy: reason });
      }
    }
  }
  const finally_ = (id: string): string => {
    let at = id;
    while (endedInto.has(at)) at = endedInto.get(at) as string;
    return at;
  };
  return {
    incidents,
    placed: new Map([...placed].map(([key, place]) => [key, "incidentId" in place ? { incidentId: finally_(place.incidentId) } : place])),
  };
}

function* batches(history: readonly Alert[]): Generator<Alert[]> {
  let batch: Alert[] = [];
  let from = 0;
  for (const alert of history) {
    const at = Date.parse(alert.receivedAt);
    if (batch.length > 0 && (at - from > BATCH_MS || batch.length >= MAX_BATCH)) {
      yield batch;
      batch = [];
    }
    if (batch.length === 0) from = at;
    batch.push(alert);
  }
  if (batch.length > 0) yield batch;
}

/** What happens because time passes: flapping ends, and what has been quiet long enough closes. */
function tend(set: WorkingSet, now: number, { rules, closeAfterMs }: ReplayOptions): void {
  releaseQuiet(set, now, rules.correlation);
  for (const incident of [...set.incidents.values()])
    if (incident.firing === 0 && now - (incident.recoveredAt ?? incident.lastAt) >= closeAfterMs) forgetIncident(set, incident);
}
