// One step of a run, from intent to verdict. Before it acts, one transaction holds the journal entry, the step's row and what would undo it;
// whoever finds the row later knows that it may have acted.
import { type Deed, deedInWords, type Health, isIdempotent, type PlannedStep } from "@tocsin/runbooks";
import { AppError, isoTime, messageOf } from "@tocsin/runtime";
import { appendEvents, appendJournal, finishRunStep, insertRunStep, noteRunStep, type RunStepRow } from "@tocsin/store";
import type { Target } from "@tocsin/targets";
import { progressed } from "./action-events.ts";
import { perform } from "./deed.ts";
import { presentable } from "./output.ts";
import { probe } from "./probe.ts";
import { type RunContext, whileOurs } from "./run-context.ts";
import { awaitPreconditions, verifyStep } from "./verify-step.ts";

/** How things stood right before the act, and whether it is known to have acted: what undo and resume need. */
export interface Before {
  readonly deed: Deed;
  readonly undo?: Deed;
  readonly target?: Target;
  readonly health?: Health;
  readonly acted: boolean;
}

export type StepOutcome =
  | { readonly kind: "succeeded"; readonly before: Before | undefined }
  /** It did not do what it should. `acted` tells whether there is something to undo. */
  | { readonly kind: "failed"; readonly reason: string; readonly worse: boolean; readonly before: Before | undefined }
  /** Nobody knows whether it acted. */
  | { readonly kind: "unknown"; readonly reason: string };

/** Errors that say for certain that the target system did nothing. */
const DID_NOTHING = ["TARGET_UNKNOWN", "TARGET_UNMANAGED", "TARGET_NO_PREVIOUS", "TARGET_CONFIG_REFUSED", "TARGET_UNSUPPORTED"];
/** Looking on is of no use when it fails, and no reason to leave the rest undone. */
const mayFail = (deed: Deed): boolean => deed.verb === "target.logs" || deed.verb === "target.stats" || deed.verb === "notify";
/** Output that is streamed is told at most so often, in so many pieces. */
const STREAM_EVERY_MS = 1_000;
const MAX_PIECES = 30;

export const operationIdOf = (runId: string, position: number): string => `${runId}:${position}`;

/**
 * Runs a step, or goes on with it where an earlier process left it.
 *
 * @param found the row that an earlier process left, in state `running`
 * @throws AppError `EXECUTOR_RED_BUTTON`, `EXECUTOR_RUN_INTERRUPTED`, `EXECUTOR_RUN_FENCED`; whatever the database throws
 */
export async function runStep(
  context: RunContext,
  step: PlannedStep,
  position: number,
  found: RunStepRow | undefined,
): Promise<StepOutcome> {
  await context.redButton.refuseWhenPressed();
  let before = found?.undo as Before | undefined;
  if (!found) {
    const unmet = await awaitPreconditions(context, step.precondition);
    if (unmet !== undefined) {
      await begin(context, step, position, undefined);
      return end(context, step, position, {
        kind: "failed",
        reason: `its precondition does not hold: ${unmet}`,
        worse: false,
        before: undefined,
      });
    }
    const taken = await snapshot(context, step);
    if (taken.kind === "refused") {
      await begin(context, step, position, undefined);
      return end(context, step, position, { kind: "failed", reason: taken.reason, worse: false, before: undefined });
    }
    before = taken.before;
    await begin(context, step, position, before);
  }

  if (before?.acted !== true) {
    const acted = await act(context, step, position, before, found !== undefined);
    if (acted.kind === "unknown") return end(context, step, position, acted);
    if (acted.kind === "failed") {
      if (mayFail(step.deed)) {
        await end(context, step, position, acted);
        return { kind: "succeeded", before: undefined };
      }
      return end(context, step, position, acted);
    }
    before = acted.before;
  }
  if (!step.verify) return end(context, step, position, { kind: "succeeded", before });

  const { verdict, text } = await verifyStep(context, step.verify, step.target, step.acts ? before?.health : undefined);
  if (verdict === "good") return end(context, step, position, { kind: "succeeded", before }, text);
  const reason = verdict === "worse" ? "it got worse" : `it did not get better within ${step.verify.withinMs / 1_000} s`;
  return end(context, step, position, { kind: "failed", reason: `${reason}: ${text}`, worse: verdict === "worse", before }, text);
}

/** How the target stands, and the deed with everything pinned that would mean something else the second time. */
async function snapshot(
  { targets, ask }: RunContext,
  step: PlannedStep,
): Promise<{ readonly kind: "taken"; readonly before: Before | undefined } | { readonly kind: "refused"; readonly reason: string }> {
  if (!step.acts) return { kind: "taken", before: undefined };
  if (step.target === undefined)
    return { kind: "taken", before: { deed: step.deed, ...(step.undo === undefined ? {} : { undo: step.undo }), acted: false } };
  const [target, health] = await Promise.all([targets.get(step.target), ask.health(step.target)]);
  if (!target.managed) return { kind: "refused", reason: `${step.target} is not managed by us` };
  const runs = target.replicas.filter((replica) => replica.state === "running").length;
  if (step.deed.verb === "target.start" && runs > 0)
    return { kind: "refused", reason: `${step.target} runs already: there is nothing to start` };
  const { config = {} } = target;
  if (step.deed.verb === "target.config" && !Object.hasOwn(config, step.deed.with.name))
    return { kind: "refused", reason: `${step.target} does not allow ${step.deed.with.name} to be set` };
  let { deed } = step;
  if (deed.verb === "target.rollback" && deed.with.toRevision === undefined) {
    if (target.previousRevision === undefined) return { kind: "refused", reason: `${step.target} has no revision before to go back to` };
    deed = { verb: deed.verb, with: { ...deed.with, toRevision: target.previousRevision } };
  }
  return {
    kind: "taken",
    before: { deed, ...(step.undo === undefined ? {} : { undo: pinned(step.undo, target) }), target, health, acted: false },
  };
}

/** The undo with what was before filled in. */
function pinned(undo: Deed, before: Target): Deed {
  if (undo.verb === "target.rollback" && undo.with.toRevision === "{{before.revision}}")
    return { verb: undo.verb, with: { ...undo.with, toRevision: before.revision } };
  if (undo.verb === "target.scale" && undo.with.replicas === "{{before.replicas}}")
    return { verb: undo.verb, with: { ...undo.with, replicas: before.replicas.length } };
  if (undo.verb === "target.config" && undo.with.value === "{{before.config}}")
    return { verb: undo.verb, with: { ...undo.with, value: before.config?.[undo.with.name] ?? null } };
  return undo;
}

async function begin(context: RunContext, step: PlannedStep, position: number, before: Before | undefined): Promise<void> {
  const { run, clock } = context;
  const now = clock.now();
  const deed = before?.deed ?? step.deed;
  await whileOurs(context, async (tx) => {
    await insertRunStep(tx, {
      runId: run.id,
      position,
      stepId: step.id,
      verb: deed.verb,
      role: "act",
      target: step.target,
      undo: before,
      at: isoTime(now),
    });
    await appendJournal(tx, {
      at: isoTime(now),
      actor: "module:executor",
      action: "step.begin",
      subject: run.id,
      body: {
        step: step.id,
        position,
        operationId: operationIdOf(run.id, position),
        deed,
        undo: before?.undo ?? null,
        before: before?.target ?? null,
      },
    });
    await appendEvents(tx, [
      progressed(run, now, `${position}:running`, deedInWords(deed), { id: step.id, verb: deed.verb, state: "running", role: "act" }),
    ]);
  });
}

type Acted = { readonly kind: "acted"; readonly before: Before | undefined } | Exclude<StepOutcome, { kind: "succeeded" }>;

async function act(
  context: RunContext,
  step: PlannedStep,
  position: number,
  before: Before | undefined,
  isResumed: boolean,
): Promise<Acted> {
  const deed = before?.deed ?? step.deed;
  if (isResumed && step.acts && !isIdempotent(deed)) {
    const seen = await look(context, deed, before);
    if (seen !== "done")
      return { kind: "unknown", reason: `a process died while it did: ${deedInWords(deed)}; nothing shows whether it happened` };
    return noteActed(context, position, before, "it is visible that it happened before the process died");
  }
  try {
    context.mayAct();
    const { output } = await perform(deed, deedContext(context, step, position));
    return await noteActed(context, position, before, output);
  } catch (error) {
    if (context.stopped.aborted && error === context.stopped.reason) throw error;
    if (AppError.is(error, "EXECUTOR_RUN_FENCED", "EXECUTOR_RUN_INTERRUPTED") || (AppError.is(error) && error.code.startsWith("STORE_")))
      throw error;
    const reason = messageOf(error);
    const output = AppError.is(error) && typeof error.details["output"] === "string" ? `${reason}\n${error.details["output"]}` : reason;
    if (!step.acts || AppError.is(error, ...DID_NOTHING)) return { kind: "failed", reason: output, worse: false, before: undefined };
    // A container or a request that ended badly has acted; what it did is for its undo to make up for.
    if (AppError.is(error, "EXECUTOR_STEP_FAILED"))
      return { kind: "failed", reason: output, worse: false, before: before && { ...before, acted: true } };
    if ((await look(context, deed, before)) === "done")
      return noteActed(context, position, before, `${reason}; it is visible that it happened`);
    if (isIdempotent(deed)) return { kind: "failed", reason: output, worse: false, before: before && { ...before, acted: true } };
    return { kind: "unknown", reason: `${deedInWords(deed)}: ${reason}; nothing shows whether it happened` };
  }
}

async function look({ targets }: RunContext, deed: Deed, before: Before | undefined): Promise<"done" | "not-seen"> {
  if (before?.target === undefined) return "not-seen";
  const now = await targets.get(before.target.id).catch(() => undefined);
  return now === undefined ? "not-seen" : probe(deed, before.target, now);
}

async function noteActed(context: RunContext, position: number, before: Before | undefined, output: string): Promise<Acted> {
  const noted = before && { ...before, acted: true };
  await whileOurs(context, async (tx) => {
    await noteRunStep(tx, { runId: context.run.id, position, undo: noted, output: presentable(output) });
    if (noted)
      await appendJournal(tx, {
        at: isoTime(context.clock.now()),
        actor: "module:executor",
        action: "step.acted",
        subject: context.run.id,
        body: { position, output: presentable(output, 2_000) },
      });
  });
  return { kind: "acted", before: noted };
}

function deedContext(context: RunContext, step: PlannedStep, position: number) {
  const { run, targets, clock, fetch, httpOrigins, stopped } = context;
  return {
    targets,
    clock,
    fetch,
    httpOrigins,
    operationId: operationIdOf(run.id, position),
    labels: { incident: run.incidentId, run: run.id, step: step.id },
    timeoutMs: step.timeoutMs,
    signal: stopped,
    onOutput: streamer(context, step, position),
  };
}

/** Tells what a step prints while it prints, a piece a second; what is cut here is in the step's row at the end. */
function streamer(context: RunContext, step: PlannedStep, position: number): (chunk: string) => void {
  const { run, clock, sql, log } = context;
  let pending = "";
  let pieces = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  return (chunk) => {
    pending += chunk;
    const now = clock.now();
    if (now - toldAt < STREAM_EVERY_MS || pieces >= MAX_PIECES) return;
    toldAt = now;
    const name = `${position}:output:${pieces++}`;
    const event = progressed(run, now, name, "output", {
      id: step.id,
      verb: step.deed.verb,
      state: "running",
      role: "act",
      output: pending,
    });
    pending = "";
    sql.transaction((tx) => appendEvents(tx, [event])).catch((err: unknown) => log.warn({ err, runId: run.id }, "step output not told"));
  };
}

async function end<Outcome extends StepOutcome>(
  context: RunContext,
  step: PlannedStep,
  position: number,
  outcome: Outcome,
  found?: string,
): Promise<Outcome> {
  const { run, clock, metrics } = context;
  const now = clock.now();
  const state = outcome.kind === "unknown" ? "unknown" : outcome.kind;
  const text = outcome.kind === "succeeded" ? `${step.id} succeeded` : `${step.id}: ${outcome.reason}`;
  await whileOurs(context, async (tx) => {
    const { rows } = await tx.query<{ output: string | null }>("SELECT output FROM run_steps WHERE run_id = $1 AND position = $2", [
      run.id,
      position,
    ]);
    const more = found ?? (outcome.kind === "succeeded" ? undefined : outcome.reason);
    const output = presentable([rows[0]?.output, more].filter((part) => part).join("\n"));
    await finishRunStep(tx, { runId: run.id, position, state, output: output === "" ? undefined : output, at: isoTime(now) });
    await appendJournal(tx, {
      at: isoTime(now),
      actor: "module:executor",
      action: "step.end",
      subject: run.id,
      body: { step: step.id, position, state, text: presentable(text, 2_000) },
    });
    await appendEvents(tx, [
      progressed(run, now, `${position}:${state}`, presentable(text, 1_000), {
        id: step.id,
        verb: step.deed.verb,
        state,
        role: "act",
        output,
      }),
    ]);
  });
  metrics.step(step.deed.verb, "act", state);
  return outcome;
}
