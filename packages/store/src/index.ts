export type { PoolLike, Store } from "./database.ts";
export { appendEvents, EVENT_LOG_CHANNEL } from "./event-log.ts";
export type { JobRun, Jobs, NewJob, WorkOptions } from "./jobs.ts";
export {
  findRun,
  finishRunStep,
  holdsRun,
  insertRequestedRun,
  insertRunStep,
  moveRun,
  type NewRun,
  type PastRun,
  type RunRow,
  type RunStepRow,
  runningRuns,
  runsStartedSince,
  runViews,
  setRunTargets,
  stepsOfRun,
  takeRun,
} from "./repositories/runs.ts";
