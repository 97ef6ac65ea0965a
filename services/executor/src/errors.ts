import { AppError } from "@tocsin/runtime";

/** The policy file cannot be used: the process must not start with another policy than was meant. */
export const policyInvalid = (file: string, reason: string, cause?: unknown) =>
  new AppError("EXECUTOR_CONFIG_INVALID", `the policy file ${file} cannot be used: ${reason}`, { cause, details: { file } });

export const runbooksUnreadable = (folder: string, cause: unknown) =>
  new AppError("EXECUTOR_CONFIG_INVALID", `the runbooks folder ${folder} cannot be read`, { cause, details: { folder } });

/** A head that was kept outside the database was not signed by us, or the file was changed: whoever did so could have changed the journal too. */
export const checkpointsInvalid = (folder: string, line: number, reason: string) =>
  new AppError("EXECUTOR_CHECKPOINT_INVALID", `line ${line} of the checkpoints in ${folder}: ${reason}`, { details: { folder, line } });

/** Somebody else has taken the run up; whatever is under way here must end without writing. */
export const runFenced = (runId: string) =>
  new AppError("EXECUTOR_RUN_FENCED", `the run ${runId} was taken up by another worker`, { details: { runId } });

/** The process stops; the run goes on elsewhere or later. */
export const runInterrupted = (runId: string, reason: string) =>
  new AppError("EXECUTOR_RUN_INTERRUPTED", `the run ${runId} was interrupted: ${reason}`, { retryable: true, details: { runId } });

/** All automation was stopped while a step ran. */
export const redButtonPressed = (reason: string) =>
  new AppError("EXECUTOR_RED_BUTTON", `the red button was pressed${reason ? `: ${reason}` : ""}`);

export const stepTimedOut = (step: string, timeoutMs: number) =>
  new AppError("EXECUTOR_STEP_TIMEOUT", `${step} took longer than ${timeoutMs} ms`, { details: { step, timeoutMs } });

/** A step that says for certain that it did not do what it should. */
export const stepFailed = (step: string, reason: string, details: Record<string, unknown> = {}) =>
  new AppError("EXECUTOR_STEP_FAILED", `${step}: ${reason}`, { details });

export const runbookUnknown = (id: string, known: readonly string[]) =>
  new AppError("RUNBOOK_UNKNOWN", `there is no runbook ${id}, or it does not load`, { details: { known } });
export const incidentUnknown = (id: string) => new AppError("INCIDENT_UNKNOWN", `there is no incident ${id}`);
/** Or it is one of another runbook or incident. */
export const runUnknown = (id: string) => new AppError("RUN_UNKNOWN", `there is no such run ${id} of this runbook for this incident`);
