import { TOPICS } from "@tocsin/contracts";
import { defineModule } from "@tocsin/host";
import { AppError, backoffMs, messageOf, newId } from "@tocsin/runtime";
import { claimEvents, dropLease, type JobRun, type Jobs, saveTicketError, takeLease, ticketsBehind, withIssue } from "@tocsin/store";
import { openGitlab } from "@tocsin/tickets";
import { GitlabSyncConfig } from "./config.ts";
import { createMetrics } from "./metrics.ts";
import { openIssue, type ReconcileDeps, reconcile } from "./reconcile.ts";

type Tx = Parameters<Jobs["send"]>[0];

const GROUP = "tocsin.gitlab-sync";
const QUEUE = "gitlab-sync";
/**
 * Incidents that have no issue yet, apart from the rest: GitLab takes 60 notes a minute, and what a storm has to say takes long. A new incident is
 * shown at once all the same.
 */
const OPEN_QUEUE = "gitlab-sync.open";
/** Renewed before every step; the longest step is four tries of a call. */
const LEASE_SECONDS = 120;
/** Longest wait before a failed incident is tried again. */
const MAX_RETRY_MS = 300_000;
const SWEEP_LIMIT = 500;

/**
 * Shows every incident in GitLab. Events only say which incident to look at; what is told is the whole incident as it is then, and what GitLab
 * misses while it is away it gets when it is back.
 */
export const gitlabSync = defineModule({
  name: "gitlab-sync",
  config: GitlabSyncConfig,
  needs: ["bus", "store"],
  async start({ config, bus, store, log, registry, clock, onStop }) {
    const { url, token, project } = config;
    if (url === undefined || token === undefined || project === undefined) {
      log.info({}, "no gitlab configured");
      return;
    }
    const { sql, jobs } = store;
    const metrics = createMetrics(registry);
    const tickets = await openGitlab({
      url,
      token,
      project,
      log,
      clock,
      timeoutMs: config.timeoutMs,
      requester: { onTry: metrics.request },
    });
    const deps: ReconcileDeps = {
      sql,
      tickets,
      log,
      clock,
      project,
      backfillDays: config.backfillDays,
      labels: config.labels,
      ...(config.consoleUrl === undefined ? {} : { consoleUrl: config.consoleUrl }),
      ...(config.assignee === undefined ? {} : { assignee: config.assignee }),
    };

    /** One waiting job for each incident: what comes while it waits is told with it. */
    const schedule = (queue: string, tx: Tx, incidentId: string, startAfterSeconds: number, tries = 0) =>
      jobs.send(tx, { queue, data: { incidentId, tries: String(tries) }, singletonKey: incidentId, startAfterSeconds });

    async function scheduleAll(tx: Tx, incidentIds: readonly string[], startAfterSeconds: number): Promise<void> {
      const shown = await withIssue(tx, incidentIds);
      for (const id of incidentIds) await schedule(shown.has(id) ? QUEUE : OPEN_QUEUE, tx, id, startAfterSeconds);
    }

    async function work(queue: string, { data, signal }: Pick<JobRun, "data" | "signal">): Promise<void> {
      const { incidentId = "" } = data;
      const tries = Number(data["tries"] ?? 0);
      const lease = `${QUEUE}:${incidentId}`;
      const holder = newId("sync");
      const holds = () => takeLease(sql, lease, holder, LEASE_SECONDS);
      // Two at once would both find no note and write one each.
      if (!(await holds())) return schedule(queue, sql, incidentId, Math.max(2, config.coalesceSeconds), tries);
      try {
        const opens = queue === OPEN_QUEUE;
        const outcome = await (opens
          ? openIssue(deps, incidentId)
          : reconcile(deps, incidentId, async () => !signal.aborted && (await holds())));
        // Waited for: the lease is held until the rest of the story has its job.
        if (opens && outcome.kind === "told") await schedule(QUEUE, sql, incidentId, 0);
        else metrics.synced(outcome.kind);
        if (outcome.kind === "left") await schedule(queue, sql, incidentId, 2, tries);
        else if (tries > 0) log.info({ incidentId, tries }, "gitlab is told again");
      } catch (error) {
        if (!AppError.is(error) || !error.code.startsWith("TICKETS_")) throw error; // the store's: the job is tried again
        metrics.synced("failed");
        await saveTicketError(sql, incidentId, messageOf(error));
        const asked = error.details["retryAfterSeconds"];
        const seconds = typeof asked === "number" ? asked : Math.ceil(backoffMs(tries + 1, 2_000, MAX_RETRY_MS) / 1_000);
        log[error.retryable ? "warn" : "error"](
          { incidentId, code: error.code, reason: messageOf(error), tries, retryInSeconds: seconds },
          "gitlab not told",
        );
        await schedule(queue, sql, incidentId, seconds, tries + 1);
      } finally {
        await dropLease(sql, lease, holder);
      }
    }

    for (const queue of [OPEN_QUEUE, QUEUE])
      onStop(`stop jobs of ${queue}`, await jobs.work(queue, { concurrency: 2 }, (job) => work(queue, job)));

    const subscription = await bus.subscribe({
      group: GROUP,
      topics: [TOPICS.events, TOPICS.actions, TOPICS.thoughts],
      async handle({ events }) {
        await sql.transaction(async (tx) => {
          const fresh = await claimEvents(
            tx,
            GROUP,
            events.map(({ id }) => id),
          );
          const incidents = new Set(
            events.filter(({ id }) => fresh.has(id)).map(({ data }) => (data as { incidentId: string }).incidentId),
          );
          await scheduleAll(tx, [...incidents], config.coalesceSeconds);
        });
      },
    });
    onStop("stop gitlab events", () => subscription.stop());

    const stopping = new AbortController();
    const sweeping = (async () => {
      while (!stopping.signal.aborted) {
        try {
          const behind = await ticketsBehind(sql, config.backfillDays, SWEEP_LIMIT);
          metrics.behind(behind.length);
          await scheduleAll(sql, behind, 0);
        } catch (error) {
          log.warn({ err: error, reason: messageOf(error) }, "gitlab sweep failed");
        }
        await clock.sleep(config.sweepSeconds * 1_000, stopping.signal).catch(() => undefined);
      }
    })();
    onStop("stop gitlab sweep", async () => {
      stopping.abort();
      await sweeping;
    });
    log.info({ project, coalesceSeconds: config.coalesceSeconds }, "gitlab-sync ready");
  },
});
