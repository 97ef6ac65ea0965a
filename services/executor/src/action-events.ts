import {
  type ActionFact,
  ActionFinished,
  ActionProgressed,
  ActionStarted,
  ActionUndone,
  type EventDefinition,
  eventOf,
  type OutgoingEvent,
  type RunState,
  type StepState,
} from "@tocsin/contracts";
import { isoTime } from "@tocsin/runtime";
import type { RunRow } from "@tocsin/store";
import { presentable } from "./output.ts";

export const SOURCE = "/tocsin/executor";
/** An event's output: the console shows it live, the step's row keeps more. */
const MAX_EVENT_OUTPUT = 4_000;

const factEvent = (
  definition: EventDefinition<typeof ActionFact>,
  run: RunRow,
  nowMs: number,
  name: string,
  fact: Pick<ActionFact, "kind" | "text" | "state"> & Partial<Pick<ActionFact, "step">>,
): OutgoingEvent =>
  eventOf(
    definition,
    { id: `${run.id}:${name}`, source: SOURCE, time: isoTime(nowMs) },
    { incidentId: run.incidentId, at: isoTime(nowMs), runId: run.id, runbook: run.runbook, digest: run.digest, by: "executor", ...fact },
  );

export const started = (run: RunRow, nowMs: number, text: string) =>
  factEvent(ActionStarted, run, nowMs, "started", { kind: "started", text, state: "running" });

export const finished = (run: RunRow, nowMs: number, state: RunState, text: string) =>
  factEvent(ActionFinished, run, nowMs, "finished", { kind: "finished", text, state });

export const approvalAsked = (run: RunRow, nowMs: number, approvalId: string, text: string) =>
  factEvent(ActionProgressed, run, nowMs, `asked:${approvalId}`, { kind: "approval-requested", text, state: "awaiting-approval" });

export const undone = (run: RunRow, nowMs: number, text: string) =>
  factEvent(ActionUndone, run, nowMs, "undone", { kind: "undone", text, state: "running" });

/** The run was the occasion for its runbook to be trusted less, or for a person to be asked whether to trust it more. */
export const autonomyChanged = (run: RunRow, nowMs: number, kind: "demoted" | "proposed", text: string) =>
  factEvent(ActionProgressed, run, nowMs, `autonomy:${kind}`, {
    kind: kind === "demoted" ? "runbook-demoted" : "promotion-proposed",
    text,
    state: run.state,
  });

/** A step began, printed or ended. `name` makes the event's id: the same fact told again is the same event. */
export const progressed = (
  run: RunRow,
  nowMs: number,
  name: string,
  text: string,
  step: {
    readonly id: string;
    readonly verb: string;
    readonly state: StepState;
    readonly role: "act" | "undo";
    readonly output?: string | undefined;
  },
) => {
  const { output, ...rest } = step;
  return factEvent(ActionProgressed, run, nowMs, name, {
    kind: `step-${step.state}`,
    text,
    state: "running",
    step: { ...rest, ...(output === undefined ? {} : { output: presentable(output, MAX_EVENT_OUTPUT) }) },
  });
};
