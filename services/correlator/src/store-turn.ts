// One turn, one transaction: lock the scopes, load what is stale, decide, write, tell. Nothing is decided outside it.
import type { Alert, IncidentState } from "@tocsin/contracts";
import type { CorrelationConfig, Decisions, SuppressionRule, WorkingSet } from "@tocsin/correlation";
import type { Clock, Queryable, Sql } from "@tocsin/runtime";
import {
  appendEvents,
  type CorrelationDecision,
  closeMerged,
  deleteSplitOff,
  insertDecisions,
  insertTransitions,
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

export interface TurnOptions {
  readonly sql: Sql;
  readonly sets: WorkingSets;
  readonly config: CorrelationConfig;
  /** Rules of suppression that a rule file sets, besides those of people in the store. */
  readonly standing?: readonly SuppressionRule[];
  readonly clock: Clock;
  readonly metrics: CorrelatorMetrics;
}

export interface TurnRequest {
  readonly scopes: readonly string[];
  /** Alerts that the sets have to know, wherever they are. */
  readonly alerts: readonly Pick<Alert, "scope" | "fingerprint">[];
  /** Reads once what the decision needs besides the sets; under the scopes' locks. */
  readonly prepare?: (tx: Queryable) => Promise<void>;
  /** Advances the set of one scope. May be called again, on a set loaded anew. */
  readonly decide: (set: WorkingSet) => Decisions;
  /** Who decided, for merges and splits. Default `correlator`. */
  readonly by?: string;
  /** Writes what belongs to the turn besides the decisions. */
  readonly also?: (tx: Queryable, decisions: readonly Decisions[]) => Promise<void>;
}

/** Each look is at rows locked by the one before: a look after this many that still disagrees is a storm of moves. */
const MAX_ATTEMPTS = 4;

/**
 * Decides and stores. On an error nothing is stored and the working sets are thrown away.
 *
 * @throws AppError `CORRELATOR_INCIDENTS_MOVING` (retryable), and what the store throws
 */
export async function storeTurn(request: TurnRequest, options: TurnOptions): Promise<readonly Decisions[]> {
  const { sql, sets, clock } = options;
  try {
    const { decisions, revisions } = await sql.transaction(async (tx) => {
      const locked = await lockScopes(tx, request.scopes);
      await request.prepare?.(tx);
      const { decided, states } = await decideUnderLocks(tx, request, locked, options);
      await write(tx, decided, request.by ?? "correlator", clock.now());
      await request.also?.(tx, [...decided.values()]);
      await raiseScopes(tx, request.scopes);
      await tell(tx, decided, states, clock.now());
      return { decisions: [...decided.values()], revisions: locked };
    });
    sets.committed(revisions);
    return decisions;
  } catch (error) {
    // The sets have moved on and the store has not.
    sets.drop(request.scopes);
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
  { alerts, decide }: TurnRequest,
  locked: ReadonlyMap<string, number>,
  { sets, metrics }: TurnOptions,
): Promise<Decided> {
  for (let attempt = 1; ; attempt++) {
    const ready = await sets.ready(tx, locked, alerts);
    const decided = new Map([...ready].map(([scope, set]) => [scope, decide(set)]));
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
  for (const { changed, opened, merged, members } of decided.values()) {
    for (const { from, into, stateBefore } of merged) {
      // The engine has set the ended one to closed; whether it may be ended was decided on the state it had.
      if (states.get(from.id) !== stateBefore) return false;
      if (!opened.has(into) && states.get(into.id) !== into.state) return false;
    }
    for (const incident of changed) {
      if (opened.has(incident)) continue;
      const state = states.get(incident.id);
      if (state === undefined || state === "closed") return false;
      // It was quiet and open to more when this was decided, and is resolved or a person's by now: that takes in only stragglers.
      const isSettled = state === "resolved" || state === "escalated";
      if (isSettled && incident.state !== state && incident.firing <= members.filter(({ incidentId }) => incidentId === incident.id).length)
        return false;
      incident.state = state;
    }
  }
  return true;
}

async function write(tx: Queryable, decided: ReadonlyMap<string, Decisions>, by: string, nowMs: number) {
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
  const splits = all.flatMap(([scope, each]) => splitsOf(scope, each, by));
  await deleteSplitOff(tx, splits);
  const merges = all.flatMap(([scope, each]) => each.merged.map((merge) => ({ scope, ...merge })));
  await closeMerged(
    tx,
    merges.map(({ from, into }) => ({ from: from.id, into: into.id })),
    nowMs,
  );
  await insertDecisions(tx, [...all.flatMap(([scope, each]) => mergesOf(scope, each, by)), ...splits], nowMs);
  await upsertPairs(
    tx,
    all.flatMap(([scope, each]) => latestPairs(each).map((pair) => ({ scope, ...pair }))),
  );
}

const mergesOf = (scope: string, { merged }: Decisions, decidedBy: string): CorrelationDecision[] =>
  merged.map(({ from, into, reasons, fingerprints }) => ({
    id: `${into.id}:merged:${from.id}`,
    scope,
    kind: "merge",
    incidentId: into.id,
    otherIncidentId: from.id,
    fingerprints,
    reasons,
    decidedBy,
  }));

const splitsOf = (scope: string, { facts }: Decisions, decidedBy: string): CorrelationDecision[] =>
  facts.flatMap(({ kind, incidentId, otherIncidentId, fingerprints, text }) =>
    kind === "split" && otherIncidentId !== undefined
      ? [
          {
            id: `${incidentId}:split:${otherIncidentId}`,
            scope,
            kind,
            incidentId,
            otherIncidentId,
            fingerprints,
            reasons: [{ kind: "person", weight: 1, text }],
            decidedBy,
          },
        ]
      : [],
  );

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
