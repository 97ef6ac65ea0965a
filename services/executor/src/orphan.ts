import type { PolicyConfig } from "@tocsin/runbooks";
import { type Clock, isoTime, type Sql } from "@tocsin/runtime";
import { appendEvents, appendJournal, findRun, moveRun, releaseLocks } from "@tocsin/store";
import { finished } from "./action-events.ts";
import type { ExecutorMetrics } from "./metrics.ts";
import { judgeRecord } from "./record-change.ts";

/** Ends a run that was begun and that nobody can go on with: its outcome is unknown, and a person decides. */
export async function endUnknown(
  {
    sql,
    clock,
    metrics,
    policy,
    environment,
  }: {
    readonly sql: Sql;
    readonly clock: Clock;
    readonly metrics: ExecutorMetrics;
    readonly policy: PolicyConfig;
    readonly environment: string;
  },
  runId: string,
  fence: number,
  why: string,
): Promise<void> {
  const run = await findRun(sql, runId);
  if (!run) return;
  const now = clock.now();
  const reason = `it was begun and cannot be gone on with: ${why}`;
  await sql.transaction(async (tx) => {
    if (!(await moveRun(tx, { id: runId, fence }, ["running"], "unknown", { reason, finishedAt: isoTime(now) }))) return;
    await releaseLocks(tx, runId);
    await appendJournal(tx, {
      at: isoTime(now),
      actor: "module:executor",
      action: "run.end",
      subject: runId,
      body: { state: "unknown", reason },
    });
    await judgeRecord(tx, { policy, environment }, { ...run, state: "unknown" }, now);
    await appendEvents(tx, [finished(run, now, "unknown", reason)]);
    metrics.finished("unknown", undefined);
  });
}
