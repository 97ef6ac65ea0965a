// A run from its first step to its end, and from wherever an earlier process left it.
import type { RunState } from "@tocsin/contracts";
import { AppError, isoTime } from "@tocsin/runtime";
import { appendEvents, appendJournal, moveRun, releaseLocks, stepsOfRun } from "@tocsin/store";
import { finished } from "./action-events.ts";
import { runFenced } from "./errors.ts";
import { presentable } from "./output.ts";
import { judgeRecord } from "./record-change.ts";
import { type RunContext, whileOurs } from "./run-context.ts";
import { type Before, runStep } from "./run-step.ts";
import { type ActedStep, undoAll } from "./undo.ts";

/**
 * Runs every step that is not done yet. When one fails, undoes in reverse what was done.
 *
 * @throws AppError `EXECUTOR_RUN_INTERRUPTED`, `EXECUTOR_RUN_FENCED`, `STORE_…`: the run stays `running` for whoever takes it up next
 */
export async function executeRun(context: RunContext): Promise<RunState> {
  const { plan } = context;
  const rows = await stepsOfRun(context.sql, context.run.id);
  const acted: ActedStep[] = [];
  try {
    for (const [position, step] of plan.steps.entries()) {
      const row = rows.find((candidate) => candidate.position === position);
      if (row?.state === "succeeded" || (row?.state === "failed" && !step.acts && step.deed.verb !== "check")) {
        const before = row.undo as Before | undefined;
        if (before?.acted) acted.push({ step, position, before });
        continue;
      }
      if (row && row.state !== "running") {
        // It failed before the process died: what is left is to undo.
        const before = row.undo as Before | undefined;
        if (before?.acted) acted.push({ step, position, before });
        return await fail(context, acted, row.output ?? row.state, false, rows);
      }
      const outcome = await runStep(context, step, position, row);
      if (outcome.kind === "unknown") return await finish(context, "unknown", `${step.id}: ${outcome.reason}`, false);
      if (outcome.before?.acted) acted.push({ step, position, before: outcome.before });
      if (outcome.kind === "failed") return await fail(context, acted, `${step.id}: ${outcome.reason}`, outcome.worse, rows);
    }
  } catch (error) {
    if (!AppError.is(error, "EXECUTOR_RED_BUTTON")) throw error;
    return stopRun(context, error.message);
  }
  return finish(context, "succeeded", plan.targets.length > 0 ? "every step was done and verified" : "every step was done", false);
}

async function fail(
  context: RunContext,
  acted: readonly ActedStep[],
  reason: string,
  worse: boolean,
  rows: Parameters<typeof undoAll>[2],
): Promise<RunState> {
  const undo = await undoAll(context, acted, rows);
  return finish(context, "failed", undo === "" ? reason : `${reason}\n${undo}`, worse);
}

/** Stopped by a person: nothing more is done, not even undone. A step that was under way has an unknown outcome. */
async function stopRun(context: RunContext, reason: string): Promise<RunState> {
  const { run, clock } = context;
  const left = (await stepsOfRun(context.sql, run.id)).filter((row) => row.state === "running");
  const begun = left.some((row) => (row.undo as Before | undefined) !== undefined);
  await whileOurs(context, async (tx) => {
    for (const row of left)
      await tx.query("UPDATE run_steps SET state = 'unknown', finished_at = $3 WHERE run_id = $1 AND position = $2", [
        run.id,
        row.position,
        isoTime(clock.now()),
      ]);
  });
  return finish(context, begun ? "unknown" : "failed", `stopped: ${reason}${begun ? "; what was begun was not undone" : ""}`, false);
}

async function finish(context: RunContext, state: RunState, text: string, regressed: boolean): Promise<RunState> {
  const { run, clock, metrics, log } = context;
  const now = clock.now();
  const reason = presentable(text, 2_000);
  await whileOurs(context, async (tx) => {
    const moved = await moveRun(tx, run, ["running"], state, { reason, finishedAt: isoTime(now), regressed });
    if (!moved) throw runFenced(run.id);
    await releaseLocks(tx, run.id);
    await appendJournal(tx, {
      at: isoTime(now),
      actor: "module:executor",
      action: "run.end",
      subject: run.id,
      body: { state, reason, regressed },
    });
    await judgeRecord(tx, context, { ...run, state }, now);
    await appendEvents(tx, [finished(run, now, state, reason)]);
  });
  metrics.finished(state, run.startedAt === undefined ? undefined : (now - Date.parse(run.startedAt)) / 1_000);
  log.info({ runId: run.id, runbook: run.runbook, state }, "run ended");
  return state;
}
