// The job `executor.run`: takes a run up under a lease, admits it, runs it. A job may come twice, late, or after its process died; the lease
// keeps two from working on one run, the fence keeps a late one from writing.
import { randomUUID } from "node:crypto";
import type { Clock, Logger } from "@tocsin/runtime";
import { AppError } from "@tocsin/runtime";
import { dropLease, findRun, type JobRun, type Jobs, renewLocks, runningRuns, takeLease, takeRun } from "@tocsin/store";
import { type AdmissionOptions, admitRun, replanFrom } from "./admit-run.ts";
import { baselinesBefore } from "./baseline.ts";
import { createAsker } from "./checks.ts";
import { runInterrupted } from "./errors.ts";
import { executeRun } from "./execute-run.ts";
import { endUnknown } from "./orphan.ts";
import type { RunContext } from "./run-context.ts";

export const RUN_QUEUE = "executor.run";
const LEASE_SECONDS = 20;
const RENEW_EVERY_MS = 5_000;
export const LOCK_LEASE_MS = 30_000;
/** How soon to look again at a run that another process works on: it may die. */
const LOOK_AGAIN_SECONDS = LEASE_SECONDS;

export interface WorkOptions extends AdmissionOptions {
  readonly jobs: Jobs;
  readonly log: Logger;
  readonly httpOrigins: readonly string[];
  readonly verifyIntervalMs: number;
  readonly preconditionMs: number;
  readonly fetch: typeof fetch;
}

/** Works one job. Throws only what is worth another try. */
export async function workRun(options: WorkOptions, job: Pick<JobRun, "data" | "signal">): Promise<void> {
  const { sql, log } = options;
  const runId = job.data["runId"] ?? "";
  const lease = `run:${runId}`;
  const holder = randomUUID();
  const askedAt = options.clock.now();
  if (!(await takeLease(sql, lease, holder, LEASE_SECONDS))) return again(options, runId, LOOK_AGAIN_SECONDS);
  const held = keepHeld(options, runId, lease, holder, askedAt);
  try {
    await takeUp(options, runId, AbortSignal.any([job.signal, held.lost]), held.mayAct);
  } catch (error) {
    if (!AppError.is(error, "EXECUTOR_RUN_FENCED")) throw error;
    log.warn({ runId }, "run taken up by another worker");
  } finally {
    held.stop();
    await dropLease(sql, lease, holder).catch((err: unknown) => log.warn({ err, runId }, "run lease not dropped"));
  }
}

async function takeUp(options: WorkOptions, runId: string, interrupted: AbortSignal, mayAct: () => void): Promise<void> {
  const { sql, library, log, metrics } = options;
  const known = await findRun(sql, runId);
  if (!known || !["requested", "awaiting-approval", "running"].includes(known.state)) return;
  const run = await takeRun(sql, runId);
  if (!run) return;

  let context: Pick<RunContext, "run" | "plan">;
  if (run.state === "running") {
    const planned = await replanFrom(library, run);
    // The file changed while nobody was here: what was begun cannot be gone on with, nor undone, by anything we can trust.
    if (planned.kind === "refused") return endUnknown(options, run.id, run.fence, planned.reason);
    log.warn({ runId, runbook: run.runbook }, "run resumed");
    context = { run, plan: planned.plan };
  } else {
    const admission = await admitRun(options, run);
    if (admission.kind === "later") return again(options, runId, admission.seconds);
    if (admission.kind === "settled") return;
    context = admission;
  }

  const watching = options.redButton.watch();
  metrics.running(1);
  try {
    const { rows } = await sql.query<{ started_at: string }>("SELECT started_at FROM incidents WHERE id = $1", [context.run.incidentId]);
    const incidentStart = Date.parse(rows[0]?.started_at ?? context.run.requestedAt) / 1_000;
    await executeRun({
      ...options,
      ...context,
      ask: createAsker(options.signals, baselinesBefore(options.signals.metrics, incidentStart), options.clock),
      stopped: watching.signal,
      interrupted,
      mayAct,
    });
  } finally {
    metrics.running(-1);
    watching.stop();
  }
}

/**
 * Renews the lease and the locks until stopped; aborts `lost` when they are somebody else's or cannot be renewed in time.
 * @param askedAt when the lease was asked for: it lasts at least so long from then on, by whatever clock the database has
 */
function keepHeld({ sql, clock, log }: WorkOptions, runId: string, lease: string, holder: string, askedAt: number) {
  const lost = new AbortController();
  const stopped = new AbortController();
  let until = askedAt + LEASE_SECONDS * 1_000;
  const renew = async (): Promise<void> => {
    await clock.sleep(RENEW_EVERY_MS, stopped.signal).catch(() => {});
    if (stopped.signal.aborted) return;
    const now = clock.now();
    try {
      const isHeld = await takeLease(sql, lease, holder, LEASE_SECONDS);
      await renewLocks(sql, runId, clock.now(), LOCK_LEASE_MS);
      if (!isHeld) return lost.abort(new Error("the lease is another's"));
      until = now + LEASE_SECONDS * 1_000;
    } catch (err) {
      log.warn({ err, runId }, "run lease not renewed");
      if (clock.now() >= until) return lost.abort(err);
    }
    return renew();
  };
  void renew();
  return {
    lost: lost.signal,
    stop: () => stopped.abort(),
    /** A process that was paused goes on where it was, before any timer of its own tells it how late it is. */
    mayAct() {
      if (lost.signal.aborted || clock.now() >= until) throw runInterrupted(runId, "its lease ran out before it acted");
    },
  };
}

async function again({ sql, jobs }: WorkOptions, runId: string, seconds: number): Promise<void> {
  await jobs.send(sql, { queue: RUN_QUEUE, data: { runId }, singletonKey: `${runId}:again`, startAfterSeconds: seconds });
}

/** Sends a job for every run that was started and has no end: a process that died took its job with it, at the worst. */
export async function resumeRuns({
  sql,
  jobs,
  log,
}: Pick<WorkOptions, "sql" | "jobs" | "log"> & { readonly clock: Clock }): Promise<number> {
  const { rows } = await sql.query<{ id: string }>("SELECT id FROM runs WHERE state = 'requested' ORDER BY requested_at");
  const left = [...(await runningRuns(sql)).map((run) => run.id), ...rows.map((row) => row.id)];
  for (const runId of left) await jobs.send(sql, { queue: RUN_QUEUE, data: { runId }, singletonKey: `${runId}:resume` });
  if (left.length > 0) log.info({ runs: left.length }, "runs to look after");
  return left.length;
}
