// One turn, one transaction: lock the scopes, load what is stale, decide, write, tell. Nothing is decided outside it.
import type { Alert, IncidentState, OutgoingEvent } from "@tocsin/contracts";
import type { CorrelationConfig, Decisions, LiveIncident, SuppressionRule, WorkingSet } from "@tocsin/correlation";
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
  /** Advances the set of one scope by one part of the turn. May be called again for the same part, on a set loaded anew. */
  readonly decide: (set: WorkingSet, part: number) => Decisions;
  /** In how many parts the turn is decided, default 1: the next one is decided while the database writes the one before. */
  readonly parts?: number;
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
  const { sql, sets } = options;
  try {
    const { decisions, revisions } = await sql.transaction(async (tx) => {
      const locked = await lockScopes(tx, request.scopes);
      await request.prepare?.(tx);
      const { decisions, events } = await decideAndWrite(tx, request, locked, options);
      await request.also?.(tx, decisions);
      await raiseScopes(tx, request.scopes);
      await appendEvents(tx, events);
      return { decisions, revisions: locked };
    });
    sets.committed(revisions);
    return decisions;
  } catch (error) {
    // The sets have moved on and the store has not.
    sets.drop(request.scopes);
    throw error;
  }
}

/** What the parts of a turn have in common. */
interface Course {
  /** Ready for all alerts of the turn; absent until they are loaded. */
  sets?: ReadonlyMap<string, WorkingSet> | undefined;
  /** States of the incidents that were there before or began in an earlier part; their rows are locked. */
  readonly states: Map<string, IncidentState>;
  /** Incidents that changed and are not written yet: however many parts touch one, its row is written once. */
  readonly changed: Set<LiveIncident>;
}

/**
 * Part by part: decided in memory, compared with the locked rows, sent to be written. What is sent is not waited for until the next part
 * has been decided, so that process and database work at the same time; one connection keeps the statements in their order.
 */
async function decideAndWrite(
  tx: Queryable,
  request: TurnRequest,
  locked: ReadonlyMap<string, number>,
  options: TurnOptions,
): Promise<{ decisions: Decisions[]; events: OutgoingEvent[] }> {
  const nowMs = options.clock.now();
  const course: Course = { states: new Map(), changed: new Set() };
  const decisions: Decisions[] = [];
  const events: OutgoingEvent[] = [];
  let writing: Promise<unknown> = Promise.resolve();
  try {
    for (let part = 0; part < (request.parts ?? 1); part++) {
      const decided = await decideUnderLocks(tx, request, part, locked, course, options);
      // At most one part is on its way: memory stays bounded, and a failed write ends the turn here.
      await writing;
      events.push(...tell(decided, course, nowMs));
      decisions.push(...decided.values());
      writing = write(tx, decided, course, request.by ?? "correlator", nowMs);
      // Looked at below or in the next round; until then its failure is not unhandled.
      writing.catch(() => {});
    }
  } finally {
    // A failed write is why everything after it failed: its error goes before theirs.
    await writing;
  }
  await writeChanged(tx, course, nowMs);
  return { decisions, events };
}

/** Decides until what was decided upon is what the locked rows say: others move incidents along meanwhile. */
async function decideUnderLocks(
  tx: Queryable,
  { alerts, decide }: TurnRequest,
  part: number,
  locked: ReadonlyMap<string, number>,
  course: Course,
  { sets, metrics, clock }: TurnOptions,
): Promise<ReadonlyMap<string, Decisions>> {
  for (let attempt = 1; ; attempt++) {
    course.sets ??= await sets.ready(tx, locked, alerts);
    const decided = new Map([...course.sets].map(([scope, set]) => [scope, decide(set, part)]));
    const { states } = course;
    const unlocked = storedBefore(decided).filter((id) => !states.has(id));
    for (const [id, state] of await lockIncidents(tx, unlocked)) states.set(id, state);
    if (agree(decided, states)) return decided;
    if (attempt === MAX_ATTEMPTS) throw incidentsMoving(alerts.length);
    metrics.reloaded("moved", locked.size);
    // What earlier parts made of the incidents has to be in the store before the sets are read from it again.
    await writeChanged(tx, course, clock.now());
    sets.drop(locked.keys());
    course.sets = undefined;
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

/** Sends all statements of a part at once. Nothing may wait between them: what comes after the part is sent behind them. */
async function write(tx: Queryable, decided: ReadonlyMap<string, Decisions>, course: Course, by: string, nowMs: number): Promise<void> {
  const all = [...decided];
  for (const [, { opened, changed }] of all) {
    for (const { id } of opened) course.states.set(id, "open");
    for (const incident of changed) if (!opened.has(incident)) course.changed.add(incident);
  }
  const alerts = all.map(([scope, each]) => alertRows(scope, each));
  const members = all.map(([scope, each]) => memberRows(scope, each));
  const splits = all.flatMap(([scope, each]) => splitsOf(scope, each, by));
  const merges = all.flatMap(([scope, each]) => each.merged.map((merge) => ({ scope, ...merge })));
  const ended = merges.map(({ from }) => from);
  await Promise.all([
    insertTransitions(
      tx,
      all.flatMap(([, each]) => each.alerts.filter(({ effect }) => effect !== "duplicate")),
    ),
    upsertAlerts(
      tx,
      alerts.flatMap(({ rows }) => rows),
    ),
    updateAlerts(
      tx,
      alerts.flatMap(({ changes }) => changes),
    ),
    upsertIncidents(
      tx,
      incidentRows([...all.flatMap(([, { opened }]) => [...opened]), ...ended.filter((from) => course.changed.delete(from))]),
      nowMs,
    ),
    upsertMembers(
      tx,
      members.flatMap((each) => each.members),
    ),
    updateRoles(
      tx,
      members.flatMap((each) => each.roles),
    ),
    deleteSplitOff(tx, splits),
    closeMerged(
      tx,
      merges.map(({ from, into }) => ({ from: from.id, into: into.id })),
      nowMs,
    ),
    insertDecisions(tx, [...all.flatMap(([scope, each]) => mergesOf(scope, each, by)), ...splits], nowMs),
    upsertPairs(
      tx,
      all.flatMap(([scope, each]) => latestPairs(each).map((pair) => ({ scope, ...pair }))),
    ),
  ]);
}

/** Writes the incidents that changed, as they are now. */
async function writeChanged(tx: Queryable, { changed }: Course, nowMs: number): Promise<void> {
  const rows = incidentRows([...changed]);
  changed.clear();
  await upsertIncidents(tx, rows, nowMs);
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

/** The events of a part. Takes note of which incidents it has ended. */
function tell(decided: ReadonlyMap<string, Decisions>, { states }: Course, nowMs: number): OutgoingEvent[] {
  for (const { merged } of decided.values()) for (const { from } of merged) states.set(from.id, "closed");
  return [...decided.values()].flatMap((each) => eventsOf(each.facts, (id) => states.get(id) ?? "open", nowMs));
}
