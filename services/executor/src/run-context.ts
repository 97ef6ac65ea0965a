import type { PolicyConfig, RunPlan } from "@tocsin/runbooks";
import type { Clock, Logger, Queryable, Sql } from "@tocsin/runtime";
import { holdsRun, type RunRow } from "@tocsin/store";
import type { TargetPort } from "@tocsin/targets";
import type { Asker } from "./checks.ts";
import { runFenced } from "./errors.ts";
import type { ExecutorMetrics } from "./metrics.ts";
import type { RedButton } from "./red-button.ts";

/** What everything that happens within one run shares. */
export interface RunContext {
  readonly run: RunRow;
  readonly plan: RunPlan;
  readonly sql: Sql;
  readonly targets: TargetPort;
  readonly ask: Asker;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: ExecutorMetrics;
  readonly redButton: RedButton;
  readonly policy: PolicyConfig;
  readonly environment: string;
  readonly fetch: typeof fetch;
  readonly httpOrigins: readonly string[];
  readonly verifyIntervalMs: number;
  readonly preconditionMs: number;
  /** Aborts when the red button is pressed. */
  readonly stopped: AbortSignal;
  /** Aborts when the process stops or the run was lost to another: whatever waits, ends; an act under way is let finish. */
  readonly interrupted: AbortSignal;
  /** Asked right before every act. @throws AppError `EXECUTOR_RUN_INTERRUPTED` once another worker may have taken the run up */
  readonly mayAct: () => void;
}

/** One transaction that writes about the run, while it is ours. @throws AppError `EXECUTOR_RUN_FENCED` */
export const whileOurs = <T>({ sql, run }: Pick<RunContext, "sql" | "run">, work: (tx: Queryable) => Promise<T>): Promise<T> =>
  sql.transaction(async (tx) => {
    if (!(await holdsRun(tx, run.id, run.fence))) throw runFenced(run.id);
    return work(tx);
  });
