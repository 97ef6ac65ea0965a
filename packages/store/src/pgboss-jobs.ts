// Terms. A *queue* holds *jobs* of one kind. A *worker* takes one job at a time; a queue has as many workers as its concurrency. The
// *lease* is pg-boss's heartbeat: renewed while the handler runs, and a job whose lease ran out goes back to its queue.
import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import { type Clock, createWakeup, type Logger, messageOf, type Queryable } from "@tocsin/runtime";
import { PgBoss, type WorkOptions as PgBossWorkOptions } from "pg-boss";
import type { Engine } from "./engine.ts";
import type { JobRun, Jobs, NewJob, OnJobWorked, WorkOptions } from "./jobs.ts";

const SCHEMA = "jobs";
const JOBS_START_LOCK = 7_403;
const DAY_SECONDS = 86_400;
/** pg-boss takes no shorter lease. */
const MIN_LEASE_SECONDS = 10;
const DEFAULTS = { concurrency: 4, leaseSeconds: 60, attempts: 10 };
/** Noticed on when a delayed job was sent: the time of the next one due may have changed. */
const DELAYED_CHANNEL = "tocsin_jobs_delayed";
/** Longest sleep between two looks for jobs that have come due. Those sent for now wake their queue by NOTIFY. */
const DUE_CHECK_MS = 2_000;

const queueOptions = (attempts: number, leaseSeconds: number) => ({
  retryLimit: attempts - 1,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 300,
  heartbeatSeconds: Math.max(MIN_LEASE_SECONDS, Math.ceil(leaseSeconds)),
  // The lease decides about a dead worker; this only ends what hangs for a day.
  expireInSeconds: DAY_SECONDS - 1,
  retentionSeconds: 14 * DAY_SECONDS,
  deleteAfterSeconds: DAY_SECONDS,
  notify: true,
});

export interface OpenJobs extends Jobs {
  /** Stops all workers, waits up to `timeoutMs` for their jobs, and pg-boss. */
  close(timeoutMs?: number): Promise<void>;
}

/** Starts pg-boss on an engine: its tables live in the schema `jobs`, which it migrates itself under its own lock. */
export async function openJobs(engine: Engine, log: Logger, clock: Clock, onWorked?: OnJobWorked): Promise<OpenJobs> {
  // Whatever pg-boss asks while it sends, it asks through the sender's transaction: on PGlite there is no other connection.
  const sending = new AsyncLocalStorage<Queryable>();
  const { sql } = engine;
  const boss = new PgBoss({
    schema: SCHEMA,
    backend: engine.name,
    useListenNotify: true,
    schedule: false,
    supervise: true,
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
    maintenanceIntervalSeconds: 600,
    queueCacheIntervalSeconds: 60,
    reindex: engine.name === "postgres",
    monitorVacuum: false,
    db: {
      executeSql(text, values) {
        const tx = sending.getStore();
        return tx ? tx.query(text, values) : engine.native(text, values);
      },
      listen: async (_channel, onNotification, onReconnect) => {
        const close = await sql.listen(_channel, (payload) => (payload === "" ? onReconnect() : onNotification(payload)));
        return { close };
      },
    },
  });
  boss.on("error", (error) => log.error({ err: error, reason: messageOf(error) }, "jobs error"));
  boss.on("warning", (warning) => log.warn({ warning }, "jobs warning"));
  const due = createWakeup(clock);
  const unlisten = await sql.listen(DELAYED_CHANNEL, () => due.wake());
  // pg-boss takes a lock of its own to install, but looks for its schema before: two that start at once on an empty database would collide.
  await engine.exclusively(JOBS_START_LOCK, async () => {
    await boss.start();
    if (engine.name !== "pglite") return;
    // Nobody else can be working on a folder that this process has just locked: what is active was left by a killed process.
    await sql.query(`UPDATE ${SCHEMA}.job SET state = 'retry', start_after = now() WHERE state = 'active'`);
  });

  const known = new Set<string>();
  /** Workers by queue, to be woken when jobs come due. */
  const workers = new Map<string, Set<string>>();
  const stops = new Set<() => Promise<void>>();

  const createQueue = (db: Queryable, queue: string) =>
    db.query(`SELECT ${SCHEMA}.create_queue($1, $2::jsonb)`, [
      queue,
      JSON.stringify({ ...queueOptions(DEFAULTS.attempts, DEFAULTS.leaseSeconds), policy: "short" }),
    ]);

  async function send(tx: Queryable, job: NewJob): Promise<void> {
    const { queue, data, singletonKey, startAfterSeconds } = job;
    const insert = () =>
      sending.run(tx, () =>
        boss.send(
          queue,
          { ...data },
          {
            // A queue of policy "short" holds one waiting job per key, and no key counts as one key.
            singletonKey: singletonKey ?? randomUUID(),
            ...(startAfterSeconds === undefined ? {} : { startAfter: startAfterSeconds }),
          },
        ),
      );
    if (!known.has(queue)) {
      await createQueue(tx, queue);
      known.add(queue);
    }
    if ((await insert()) === null) {
      // Dropped as a duplicate, or else the transaction that had created the queue was rolled back.
      const { rows } = await tx.query(`SELECT 1 FROM ${SCHEMA}.queue WHERE name = $1`, [queue]);
      if (rows.length > 0) return;
      await createQueue(tx, queue);
      await insert();
    }
    if (startAfterSeconds !== undefined) await tx.query("SELECT pg_notify($1, '')", [DELAYED_CHANNEL]);
  }

  async function work(queue: string, options: WorkOptions, handle: (job: JobRun) => Promise<void>): Promise<() => Promise<void>> {
    const { concurrency, leaseSeconds, attempts } = { ...DEFAULTS, ...options };
    await createQueue(sql, queue);
    known.add(queue);
    const limits = queueOptions(attempts, leaseSeconds);
    await boss.updateQueue(queue, limits);
    // A job has its limits from the moment it was sent; those that wait get the ones that hold from now on.
    await sql.query(`UPDATE ${SCHEMA}.job SET heartbeat_seconds = $2, retry_limit = $3 WHERE name = $1 AND state < 'active'`, [
      queue,
      limits.heartbeatSeconds,
      limits.retryLimit,
    ]);
    const stopping = new AbortController();
    const ids = new Set<string>();
    const idsOfQueue = workers.get(queue) ?? new Set();
    workers.set(queue, idsOfQueue);

    for (let n = 0; n < concurrency; n++) {
      const self: { id?: string } = {};
      self.id = await boss.work<Record<string, string>, unknown, PgBossWorkOptions & { perJobResults: true }>(
        queue,
        { batchSize: 1, perJobResults: true, pollingIntervalSeconds: 2, notifyPollingIntervalSeconds: 30 },
        async (jobs) => {
          const job = jobs[0];
          if (!job) return [];
          const attempt = job.retryCount + 1;
          try {
            await handle({ id: job.id, data: job.data, attempt, signal: AbortSignal.any([job.signal, stopping.signal]) });
            onWorked?.(queue, "completed");
            return [{ id: job.id, status: "completed" as const }];
          } catch (error) {
            const isLast = attempt >= attempts;
            onWorked?.(queue, isLast ? "given-up" : "retry");
            if (isLast) log.error({ err: error, queue, jobId: job.id, attempt }, "job given up");
            else log.warn({ err: error, queue, jobId: job.id, attempt }, "job retry");
            return [{ id: job.id, status: isLast ? ("deadletter" as const) : ("failed" as const), output: { message: messageOf(error) } }];
          } finally {
            // There may be more: look again instead of waiting for the next notice.
            if (self.id !== undefined) boss.notifyWorker(self.id);
            due.wake();
          }
        },
      );
      ids.add(self.id);
      idsOfQueue.add(self.id);
    }

    const stop = async () => {
      if (!stops.delete(stop)) return;
      stopping.abort(new Error("stopping"));
      for (const id of ids) idsOfQueue.delete(id);
      await Promise.all([...ids].map((id) => boss.offWork(queue, { id, wait: true })));
    };
    stops.add(stop);
    due.wake();
    return stop;
  }

  // Delayed and retried jobs come due without a notice. One look over all queues worked here, and a sleep until the next is due, instead
  // of a poll per worker.
  let closing = false;
  async function watchDue(): Promise<void> {
    while (!closing) {
      let sleepMs = DUE_CHECK_MS;
      const names = [...workers].filter(([, ids]) => ids.size > 0).map(([name]) => name);
      if (names.length > 0) {
        try {
          const { rows } = await sql.query<{ name: string; in_ms: number }>(
            `SELECT name, extract(epoch FROM min(start_after) - now())::float8 * 1000 AS in_ms
             FROM ${SCHEMA}.job WHERE name = ANY($1::text[]) AND state < 'active' GROUP BY name`,
            [names],
          );
          for (const { name, in_ms: inMs } of rows) {
            if (inMs <= 0) for (const id of workers.get(name) ?? []) boss.notifyWorker(id);
            else sleepMs = Math.min(sleepMs, inMs + 1);
          }
        } catch (error) {
          log.warn({ err: error }, "look for due jobs failed");
        }
      }
      if (!closing) await due.sleep(sleepMs);
    }
  }
  const watching = watchDue();

  return {
    send,
    work,
    async close(timeoutMs = 10_000) {
      if (closing) return;
      closing = true;
      due.wake();
      await watching;
      await unlisten();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([Promise.all([...stops].map((stop) => stop())), late]);
      clearTimeout(timer);
      await boss.stop({ graceful: false, close: false });
    },
  };
}
