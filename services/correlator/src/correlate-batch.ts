// One delivery, one transaction: lock the scopes, load what is stale, decide, write, tell. Nothing is decided outside it.
import type { Alert, IncidentState } from "@tocsin/contracts";
import { type CorrelationConfig, correlate, type Decisions, type Suppressor } from "@tocsin/correlation";
import type { Clock, Queryable, Sql } from "@tocsin/runtime";
import {
  appendEvents,
  closeMerged,
  insertDecisions,
  insertTransitions,
  knownTransitions,
  lockIncidents,
  lockScopes,
  raiseScopes,
  updateAlerts,
  updateRoles,
  upsertAlerts,
  upsertIncidents,
  upsertMembers,
  upsertPairs,
} from "@tocsin/store";
import { incidentsMoving } from "./errors.ts";
import type { CorrelatorMetrics } from "./metrics.ts";
import { alertRows, eventsOf, incidentRows, memberRows } from "./record.ts";
import type { WorkingSets } from "./working-sets.ts";

export interface BatchOptions {
  readonly sql: Sql;
  readonly sets: WorkingSets;
  readonly config: CorrelationConfig;
  readonly clock: Clock;
  readonly metrics: CorrelatorMetrics;
  readonly suppress?: (tx: Queryable) => Promise<Suppressor | undefined>;
}

/** Each look is at rows locked by the one before: a third look that disagrees is a storm of moves. */
const MAX_ATTEMPTS = 4;

/** Correlates alerts of any scopes and stores what follows; afterwards every one of them has its outcome. */
export async function correlateBatch(alerts: readonly Alert[], options: BatchOptions): Promise<readonly Decisions[]> {
  const { sql, sets, clock, metrics } = options;
  const scopes = [...new Set(alerts.map((alert) => alert.scope))];
  const startedAt = performance.now();
  try {
    const { decisions, revisions } = await sql.transaction(async (tx) => {
      const locked = await lockScopes(tx, scopes);
      const known = await knownTransitions(tx, [...new Set(alerts.map((alert) => alert.dedupeKey))]);
      const suppress = await options.suppress?.(tx);
      const { decided, states } = await decideUnderLocks(tx, alerts, locked, known, suppress, options);
      await write(tx, decided, clock.now());
      await raiseScopes(tx, scopes);
      await tell(tx, decided, states, clock.now());
      return { decisions: [...decided.values()], revisions: locked };
    });
    sets.committed(revisions);
    count(decisions, metrics);
    metrics.batch(alerts.length, (performance.now() - startedAt) / 1000);
    return decisions;
  } catch (error) {
    // The sets have moved on and the store has not.
    sets.drop(scopes);
    throw error;
  }
}

interface Decided {
  readonly decided: ReadonlyMap<string, Decisions>;
  /** States of the incidents that were there before, locked. */
  readonly states: ReadonlyMap<string, IncidentState>;
}

/** Decides until what was decided upon is what the locked rows say: others move incidents along meanwhile. */
async function decideUnderLocks(
  tx: Queryable,
  alerts: readonly Alert[],
  locked: ReadonlyMap<string, number>,
  known: ReadonlySet<string>,
  suppress: Suppressor | undefined,
  { sets, config, metrics }: BatchOptions,
): Promise<Decided> {
  for (let attempt = 1; ; attempt++) {
    const ready = await sets.ready(tx, locked, alerts);
    const decided = new Map<string, Decisions>();
    for (const [scope, set] of ready) {
      const batch = alerts.filter((alert) => alert.scope === scope);
      decided.set(scope, correlate(set, batch, { config, known, ...(suppress ? { suppress } : {}) }));
    }
    const states = await lockIncidents(tx, storedBefore(decided));
    if (agree(decided, states)) return { decided, states };
    if (attempt === MAX_ATTEMPTS) throw incidentsMoving(alerts.length);
    metrics.reloaded("moved", locked.size);
    sets.drop(locked.keys());
  }
}

function storedBefore(decided: ReadonlyMap<string, Decisions>): string[] {
  const ids = new Set<string>();
  for (const { changed, opened, merged } of decided.values()) {
    for (const incident of changed) if (!opened.has(incident)) ids.add(incident.id);
    for (const { from } of merged) ids.add(from.id);
  }
  return [...ids];
}

/** Do the sets and the store agree on the incidents that are about to change? A state that only moved on is taken over. */
function agree(decided: ReadonlyMap<string, Decisions>, states: ReadonlyMap<string, IncidentState>): boolean {
  for (const { changed, opened, merged } of decided.values()) {
    for (const { from, into, stateBefore } of merged) {
      // The engine has set the ended one to closed; whether it may be ended was decided on the state it had.
      if (states.get(from.id) !== stateBefore) return false;
      if (!opened.has(into) && states.get(into.id) !== into.state) return false;
    }
    for (const incident of changed) {
      if (opened.has(incident)) continue;
      const state = states.get(incident.id);
      if (state === undefined || state === "closed") return false;
      incident.state = state;
    }
  }
  return true;
}

async function write(tx: Queryable, decided: ReadonlyMap<string, Decisions>, nowMs: number) {
  const all = [...decided];
  await insertTransitions(
    tx,
    all.flatMap(([, each]) => each.alerts.filter(({ effect }) => effect !== "duplicate")),
  );
  const alerts = all.map(([scope, each]) => alertRows(scope, each));
  await upsertAlerts(
    tx,
    alerts.flatMap(({ rows }) => rows),
  );
  await updateAlerts(
    tx,
    alerts.flatMap(({ changes }) => changes),
  );
  await upsertIncidents(
    tx,
    all.flatMap(([, each]) => incidentRows(each)),
    nowMs,
  );
  const members = all.map(([scope, each]) => memberRows(scope, each));
  await upsertMembers(
    tx,
    members.flatMap((each) => each.members),
  );
  await updateRoles(
    tx,
    members.flatMap((each) => each.roles),
  );
  const merges = all.flatMap(([scope, each]) => each.merged.map((merge) => ({ scope, ...merge })));
  await closeMerged(
    tx,
    merges.map(({ from, into }) => ({ from: from.id, into: into.id })),
    nowMs,
  );
  await insertDecisions(
    tx,
    merges.map(({ scope, from, into, reasons, fingerprints }) => ({
      id: `${into.id}:merged:${from.id}`,
      scope,
      kind: "merge" as const,
      incidentId: into.id,
      otherIncidentId: from.id,
      fingerprints,
      reasons,
      decidedBy: "correlator",
    })),
    nowMs,
  );
  await upsertPairs(
    tx,
    all.flatMap(([scope, each]) => latestPairs(each).map((pair) => ({ scope, ...pair }))),
  );
}

/** One statement may not touch a row twice. */
function latestPairs({ pairs }: Decisions): Decisions["pairs"][number][] {
  return [...new Map(pairs.map((pair) => [`${pair.a}\n${pair.b}`, pair])).values()];
}

async function tell(tx: Queryable, decided: ReadonlyMap<string, Decisions>, states: ReadonlyMap<string, IncidentState>, nowMs: number) {
  const ended = new Set([...decided.values()].flatMap((each) => each.merged.map(({ from }) => from.id)));
  const stateOf = (id: string): IncidentState => (ended.has(id) ? "closed" : (states.get(id) ?? "open"));
  await appendEvents(
    tx,
    [...decided.values()].flatMap((each) => eventsOf(each.facts, stateOf, nowMs)),
  );
}

function count(decisions: readonly Decisions[], metrics: CorrelatorMetrics): void {
  for (const { alerts, facts } of decisions) {
    for (const { effect, outcome, reason } of alerts) {
      metrics.alerts(effect, 1);
      if (outcome === "suppressed" && effect === "suppressed")
        metrics.suppressed(reason.slice(0, Math.max(0, reason.search(/[: ]/))) || "other");
    }
    for (const { kind } of facts) if (kind !== "joined" && kind !== "flapping") metrics.incidents(kind, 1);
  }
}
