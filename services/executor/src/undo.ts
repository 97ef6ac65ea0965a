import { deedInWords, type PlannedStep } from "@tocsin/runbooks";
import { isoTime, messageOf } from "@tocsin/runtime";
import { appendEvents, appendJournal, finishRunStep, insertRunStep, type RunStepRow } from "@tocsin/store";
import { progressed, undone } from "./action-events.ts";
import { perform } from "./deed.ts";
import { presentable } from "./output.ts";
import { differences } from "./probe.ts";
import { type RunContext, whileOurs } from "./run-context.ts";
import { type Before, operationIdOf } from "./run-step.ts";

export interface ActedStep {
  readonly step: PlannedStep;
  readonly position: number;
  readonly before: Before;
}

/** The place of a step's undo among the tries of its run: behind every act, in reverse order of them. */
const undoPosition = (steps: number, position: number): number => steps + (steps - 1 - position);

/**
 * Undoes what was done, the last first. An undo that fails does not keep the others from being tried. Goes on where an earlier process left
 * it: an undo sets a state, so that doing it again does no harm.
 *
 * @returns what was undone and what was not, in words; empty when there was nothing to undo
 */
export async function undoAll(context: RunContext, acted: readonly ActedStep[], found: readonly RunStepRow[]): Promise<string> {
  const lines: string[] = [];
  for (const { step, position, before } of acted.toReversed()) {
    const { undo } = before;
    if (!undo || step.reversibility === "self-reversing") continue;
    const at = undoPosition(context.plan.steps.length, position);
    const row = found.find((candidate) => candidate.position === at);
    if (row && row.state !== "running") {
      lines.push(row.output ?? row.state);
      continue;
    }
    lines.push(await undoOne(context, { step, position, before }, at, row !== undefined));
  }
  if (lines.length > 0) await whileOurs(context, (tx) => appendEvents(tx, [undone(context.run, context.clock.now(), lines.join("; "))]));
  return lines.join("; ");
}

async function undoOne(context: RunContext, { step, position, before }: ActedStep, at: number, isResumed: boolean): Promise<string> {
  const { run, clock, targets, metrics } = context;
  const undo = before.undo as NonNullable<Before["undo"]>;
  const words = deedInWords(undo);
  await context.redButton.refuseWhenPressed();
  if (!isResumed)
    await whileOurs(context, async (tx) => {
      const now = clock.now();
      await insertRunStep(tx, {
        runId: run.id,
        position: at,
        stepId: step.id,
        verb: undo.verb,
        role: "undo",
        target: step.target,
        undo: before,
        at: isoTime(now),
      });
      await appendJournal(tx, {
        at: isoTime(now),
        actor: "module:executor",
        action: "undo.begin",
        subject: run.id,
        body: { step: step.id, position: at, of: position, operationId: operationIdOf(run.id, at), deed: undo },
      });
      await appendEvents(tx, [
        progressed(run, now, `${at}:running`, `undo: ${words}`, { id: step.id, verb: undo.verb, state: "running", role: "undo" }),
      ]);
    });

  let state: "succeeded" | "failed" = "succeeded";
  let text: string;
  context.mayAct();
  try {
    await perform(undo, {
      targets,
      clock,
      fetch: context.fetch,
      httpOrigins: context.httpOrigins,
      operationId: operationIdOf(run.id, at),
      labels: { incident: run.incidentId, run: run.id, step: `${step.id}-undo` },
      timeoutMs: step.timeoutMs,
      signal: context.stopped,
      onOutput: () => {},
    });
    const left = before.target === undefined ? [] : differences(before.target, await targets.get(before.target.id));
    if (left.length > 0) state = "failed";
    text = left.length > 0 ? `${words}: not as it was: ${left.join(", ")}` : `undone: ${words}`;
  } catch (error) {
    if (context.stopped.aborted) throw context.stopped.reason;
    state = "failed";
    text = `${words} failed: ${messageOf(error)}`;
  }
  await whileOurs(context, async (tx) => {
    const now = clock.now();
    await finishRunStep(tx, { runId: run.id, position: at, state, output: presentable(text), at: isoTime(now) });
    if (state === "succeeded") await finishRunStep(tx, { runId: run.id, position, state: "undone", output: undefined, at: isoTime(now) });
    await appendJournal(tx, {
      at: isoTime(now),
      actor: "module:executor",
      action: "undo.end",
      subject: run.id,
      body: { step: step.id, position: at, state, text },
    });
    await appendEvents(tx, [
      progressed(run, now, `${at}:${state}`, text, { id: step.id, verb: undo.verb, state, role: "undo", output: text }),
    ]);
  });
  metrics.step(undo.verb, "undo", state);
  return text;
}
