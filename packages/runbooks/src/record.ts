// A runbook's record: how its runs ended lately, and so whether it may be trusted to run by itself.
import type { RunFacts } from "./policy.ts";
import type { Limits } from "./policy-config.ts";

export interface RunbookRecord {
  /** Runs that came to an end within the window. */
  readonly runs: number;
  readonly succeeded: number;
  readonly failures: number;
  /** Runs after which the target was worse. */
  readonly regressions: number;
  /** Enough verified runs, hardly a failure, no regression. */
  readonly mayBePromoted: boolean;
  /** Its failures take L3 from it. */
  readonly isDemoted: boolean;
  /** In words, for the console. */
  readonly text: string;
}

/** Pure: the record of one runbook within `limits.recordDays` before `now` (Unix milliseconds). */
export function recordOf(runbook: string, runs: readonly RunFacts[], now: number, limits: Limits): RunbookRecord {
  const ended = runs.filter(
    (run) =>
      run.runbook === runbook &&
      run.startedAt > now - limits.recordDays * 86_400_000 &&
      (run.state === "succeeded" || run.state === "failed" || run.state === "unknown"),
  );
  const succeeded = ended.filter((run) => run.state === "succeeded").length;
  const regressions = ended.filter((run) => run.regressed).length;
  const failures = ended.length - succeeded;
  const tooMany = (count: number, limit: number) => limit > 0 && count >= limit;
  const isDemoted = tooMany(regressions, limits.demoteAfterRegressions) || tooMany(failures, limits.demoteAfterFailures);
  const mayBePromoted = ended.length >= limits.promoteRuns && succeeded >= limits.promoteSuccessRatio * ended.length && regressions === 0;
  const text =
    ended.length === 0
      ? `not run in ${limits.recordDays} days`
      : `${succeeded} of ${ended.length} runs helped in ${limits.recordDays} days, ${regressions} made it worse`;
  return { runs: ended.length, succeeded, failures, regressions, mayBePromoted, isDemoted, text };
}
