// Runs and their steps. A run's `fence` is raised by whoever takes it up; every later write names the fence it holds, so
// that a worker that was thought dead and comes back writes nothing.
import { ActionRequested, type Cause, eventOf, type RunState, type RunView, type StepState } from "@tocsin/contracts";
import { isoTime, type Queryable } from "@tocsin/runtime";
import { appendEvents } from "../event-log.ts";

/** A run as it is asked for. */
export interface NewRun {
  /** Deterministic: the same request repeated gives the same id, and is stored and told once. */
  readonly id: string;
  readonly incidentId: string;
  /** The runbook's id. */
  readonly runbook: string;
  readonly title: string;
  /** Over the runbook's text and the parameters (`RunPlan.digest`). */
  readonly digest: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly cause?: Cause;
  /** Who asks: a module, or a person's name. */
  readonly requestedBy: string;
  /** Why this runbook, in a sentence; shown in the timeline. */
  readonly text: string;
}

export interface RunRow {
  readonly id: string;
  readonly incidentId: string;
  readonly runbook: string;
  readonly title: string;
  readonly digest: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly cause: Cause | undefined;
  readonly state: RunState;
  readonly reason: string | undefined;
  readonly requestedBy: string;
  readonly requestedAt: string;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
  readonly fence: number;
}

export interface RunStepRow {
  readonly runId: string;
  /** Counts every try of a run, acts and undoes alike, from 0. */
  readonly position: number;
  readonly stepId: string;
  readonly verb: string;
  readonly role: "act" | "undo";
  readonly state: StepState;
  readonly target: string | undefined;
  /** What would reverse it and how things stood, recorded before it acts. */
  readonly undo: unknown;
  readonly output: string | undefined;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
}

const RUN_COLUMNS = `id, incident_id AS "incidentId", runbook, title, digest, parameters, cause, state, reason, requested_by AS "requestedBy",
  requested_at AS "requestedAt", started_at AS "startedAt", finished_at AS "finishedAt", fence`;
const STEP_COLUMNS = `run_id AS "runId", position, step_id AS "stepId", verb, role, state, target, undo, output, started_at AS "startedAt",
  finished_at AS "finishedAt"`;

/** SQL says null where our values are absent. */
function present<Row extends object>(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, value ?? undefined])) as Row;
}

/**
 * Asks the executor for a run: the row in state `requested` and `ActionRequested`, in the caller's transaction. Call it last in the
 * transaction, since it appends to the event log.
 *
 * @returns false when a run of this id is there already; nothing is told then
 */
export async function insertRequestedRun(tx: Queryable, run: NewRun, nowMs: number = Date.now()): Promise<boolean> {
  const at = isoTime(nowMs);
  const { rowCount } = await tx.query(
    `INSERT INTO runs (id, incident_id, runbook, title, digest, parameters, cause, state, requested_by, requested_at)
     VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, 'requested', $8, $9) ON CONFLICT (id) DO NOTHING`,
    [
      run.id,
      run.incidentId,
      run.runbook,
      run.title,
      run.digest,
      JSON.stringify(run.parameters),
      run.cause === undefined ? null : JSON.stringify(run.cause),
      run.requestedBy,
      at,
    ],
  );
  if (rowCount === 0) return false;
  await appendEvents(tx, [
    eventOf(
      ActionRequested,
      { id: `${run.id}:requested`, source: "/tocsin/runs", time: at },
      {
        incidentId: run.incidentId,
        at,
        kind: "requested",
        text: run.text,
        runId: run.id,
        runbook: run.runbook,
        digest: run.digest,
        state: "requested",
        by: run.requestedBy,
      },
    ),
  ]);
  return true;
}

export async function findRun(on: Queryable, id: string): Promise<RunRow | undefined> {
  const { rows } = await on.query<RunRow>(`SELECT ${RUN_COLUMNS} FROM runs WHERE id = $1`, [id]);
  return rows[0] && present(rows[0]);
}

/**
 * Takes a run up: raises its fence, so that whoever held it before writes nothing more.
 *
 * @returns the run with the fence to name in later writes, or undefined when there is no such run
 */
export async function takeRun(tx: Queryable, id: string): Promise<RunRow | undefined> {
  const { rows } = await tx.query<RunRow>(`UPDATE runs SET fence = fence + 1 WHERE id = $1 RETURNING ${RUN_COLUMNS}`, [id]);
  return rows[0] && present(rows[0]);
}

/** Is the fence still ours? Locks the row until the transaction ends, so that nobody takes the run up meanwhile. */
export async function holdsRun(tx: Queryable, id: string, fence: number): Promise<boolean> {
  const { rows } = await tx.query("SELECT 1 FROM runs WHERE id = $1 AND fence = $2 FOR UPDATE", [id, fence]);
  return rows.length > 0;
}

/**
 * Moves a run on, if the fence is still ours and it is in one of the states named.
 *
 * @returns false when somebody else has taken it up or it has moved meanwhile
 */
export async function moveRun(
  tx: Queryable,
  run: { readonly id: string; readonly fence: number },
  from: readonly RunState[],
  to: RunState,
  change: { readonly reason?: string; readonly startedAt?: string; readonly finishedAt?: string; readonly regressed?: boolean } = {},
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `UPDATE runs SET state = $4, reason = COALESCE($5, reason), started_at = COALESCE($6, started_at), finished_at = COALESCE($7, finished_at),
            regressed = regressed OR $8
     WHERE id = $1 AND fence = $2 AND state = ANY($3)`,
    [run.id, run.fence, from, to, change.reason ?? null, change.startedAt ?? null, change.finishedAt ?? null, change.regressed ?? false],
  );
  return rowCount > 0;
}

/** Runs that were started and not ended: what an executor that starts anew has to look after. */
export async function runningRuns(on: Queryable): Promise<readonly RunRow[]> {
  const { rows } = await on.query<RunRow>(`SELECT ${RUN_COLUMNS} FROM runs WHERE state = 'running' ORDER BY started_at`);
  return rows.map(present);
}

/** A run as limits count it. */
export interface PastRun {
  readonly id: string;
  readonly runbook: string;
  readonly state: RunState;
  readonly startedAt: string;
  readonly finishedAt: string | undefined;
  /** What it acts on. */
  readonly targets: readonly string[];
  /** It failed because its target got worse. */
  readonly regressed: boolean;
}

/** Every run started since then, the newest first. One without targets acts on none and counts for no limit. */
export async function runsStartedSince(on: Queryable, since: string): Promise<readonly PastRun[]> {
  const { rows } = await on.query<PastRun>(
    `SELECT r.id, r.runbook, r.state, r.started_at AS "startedAt", r.finished_at AS "finishedAt", r.targets, r.regressed
     FROM runs r WHERE r.started_at >= $1 ORDER BY r.started_at DESC, r.id DESC`,
    [since],
  );
  return rows.map(present);
}

/** What a run will act on, written when it is admitted, so that limits count it from that moment. */
export async function setRunTargets(tx: Queryable, id: string, targets: readonly string[]): Promise<void> {
  await tx.query("UPDATE runs SET targets = $2 WHERE id = $1", [id, targets]);
}

export async function stepsOfRun(on: Queryable, runId: string): Promise<readonly RunStepRow[]> {
  const { rows } = await on.query<RunStepRow>(`SELECT ${STEP_COLUMNS} FROM run_steps WHERE run_id = $1 ORDER BY position`, [runId]);
  return rows.map(present);
}

/** Writes that a step begins, with what would reverse it: before it acts, in the transaction that journals it. */
export async function insertRunStep(
  tx: Queryable,
  step: Pick<RunStepRow, "runId" | "position" | "stepId" | "verb" | "role" | "target"> & { readonly undo?: unknown; readonly at: string },
): Promise<void> {
  await tx.query(
    `INSERT INTO run_steps (run_id, position, step_id, verb, role, state, target, undo, started_at)
     VALUES ($1, $2, $3, $4, $5, 'running', $6, $7::jsonb, $8)`,
    [
      step.runId,
      step.position,
      step.stepId,
      step.verb,
      step.role,
      step.target ?? null,
      step.undo === undefined ? null : JSON.stringify(step.undo),
      step.at,
    ],
  );
}

/** Keeps what a step's undo needs to know once the step has acted, e.g. that it has. */
export async function noteRunStep(
  tx: Queryable,
  step: { readonly runId: string; readonly position: number; readonly undo: unknown; readonly output: string | undefined },
): Promise<void> {
  await tx.query("UPDATE run_steps SET undo = $3::jsonb, output = COALESCE($4, output) WHERE run_id = $1 AND position = $2", [
    step.runId,
    step.position,
    JSON.stringify(step.undo),
    step.output ?? null,
  ]);
}

export async function finishRunStep(
  tx: Queryable,
  step: {
    readonly runId: string;
    readonly position: number;
    readonly state: StepState;
    readonly output: string | undefined;
    readonly at: string;
  },
): Promise<void> {
  await tx.query("UPDATE run_steps SET state = $3, output = COALESCE($4, output), finished_at = $5 WHERE run_id = $1 AND position = $2", [
    step.runId,
    step.position,
    step.state,
    step.output ?? null,
    step.at,
  ]);
}

/** Runs with their steps as the API shows them, by incident, the oldest first. */
export async function runViews(on: Queryable, incidentIds: readonly string[]): Promise<ReadonlyMap<string, readonly RunView[]>> {
  const { rows: runs } = await on.query<RunRow>(`SELECT ${RUN_COLUMNS} FROM runs WHERE incident_id = ANY($1) ORDER BY requested_at, id`, [
    incidentIds,
  ]);
  const { rows: steps } = await on.query<RunStepRow>(
    `SELECT ${STEP_COLUMNS} FROM run_steps WHERE run_id = ANY($1) ORDER BY run_id, position`,
    [runs.map((run) => run.id)],
  );
  const views = new Map<string, RunView[]>();
  for (const run of runs.map(present)) {
    const view: RunView = {
      id: run.id,
      incidentId: run.incidentId,
      runbook: run.runbook,
      title: run.title,
      digest: run.digest,
      parameters: { ...run.parameters },
      state: run.state,
      ...(run.reason === undefined ? {} : { reason: run.reason }),
      requestedAt: run.requestedAt,
      ...(run.finishedAt === undefined ? {} : { finishedAt: run.finishedAt }),
      steps: steps
        .filter((step) => step.runId === run.id)
        .map(present)
        .map((step) => ({
          id: step.stepId,
          verb: step.verb,
          state: step.state,
          role: step.role,
          ...(step.startedAt === undefined ? {} : { startedAt: step.startedAt }),
          ...(step.finishedAt === undefined ? {} : { finishedAt: step.finishedAt }),
          ...(step.output === undefined ? {} : { output: step.output }),
        })),
    };
    views.set(run.incidentId, [...(views.get(run.incidentId) ?? []), view]);
  }
  return views;
}

/**
 * Which revisions of which targets were rolled back from, by a step that was verified and not undone.
 *
 * @returns the run by target and revision: `leftRevisions.get(target)?.get(revision)`
 */
export async function leftRevisions(
  on: Queryable,
  targets: readonly string[],
  since: string,
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const { rows } = await on.query<{ target: string; revision: string; runId: string }>(
    `SELECT target, undo->'target'->>'revision' AS revision, run_id AS "runId" FROM run_steps
     WHERE verb = 'target.rollback' AND role = 'act' AND state = 'succeeded' AND target = ANY($1) AND started_at >= $2
       AND undo->'target'->>'revision' IS NOT NULL
     ORDER BY started_at`,
    [targets, since],
  );
  const left = new Map<string, Map<string, string>>();
  for (const { target, revision, runId } of rows) left.set(target, (left.get(target) ?? new Map()).set(revision, runId));
  return left;
}
