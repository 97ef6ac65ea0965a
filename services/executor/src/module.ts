import type { ActionFact } from "@tocsin/contracts";
import { ActionApproved, ActionRequested, TOPICS } from "@tocsin/contracts";
import { defineModule } from "@tocsin/host";
import { claimEvents, expireApprovals } from "@tocsin/store";
import { openCheckpoints } from "./checkpoints.ts";
import { ExecutorConfig } from "./config.ts";
import { dryRunRoutes } from "./dry-run-routes.ts";
import { createMetrics } from "./metrics.ts";
import { loadPolicy } from "./policy-file.ts";
import { createRedButton } from "./red-button.ts";
import { openLibrary } from "./runbook-library.ts";
import { watchTargetChanges } from "./target-changes.ts";
import { LOCK_LEASE_MS, RUN_QUEUE, resumeRuns, type WorkOptions, workRun } from "./work-run.ts";

const GROUP = "tocsin.executor";
/** A run holds its job for as long as it verifies; the lease is renewed meanwhile. */
const JOB_LEASE_SECONDS = 30;
/** Approvals run out to the minute, not to the second. */
const SWEEP_EVERY_MS = 5_000;

/** The only module that acts: on `agent-actions` it hears what is wanted, and does what policy and limits allow. */
export const executor = defineModule({
  name: "executor",
  config: ExecutorConfig,
  needs: ["bus", "store", "targets", "signals", "http"],
  async start({ config, bus, store, targets, signals, http, log, registry, clock, onStop }) {
    const metrics = createMetrics(registry);
    const policy = await loadPolicy(config.policyFile);
    const library = await openLibrary(config.runbooksDir, log);
    metrics.runbooks(library.runbooks.length, library.refused);
    const environment = config.environment ?? (targets.kind === "lab" ? "lab" : "production");
    const { sql, jobs } = store;
    const redButton = createRedButton({ sql, clock, pressedByConfig: config.redButton, file: config.redButtonFile });

    const reaped = await targets.reap().catch((err: unknown) => {
      log.warn({ err }, "nothing reaped");
      return 0;
    });
    if (reaped > 0) log.info({ reaped }, "removed what earlier runs left behind");

    const checkpoints = config.auditDir === undefined ? undefined : await openCheckpoints(config.auditDir, config.auditEvery);
    if (checkpoints) {
      // Registered before the work, so that it comes after it when all stops: what ended meanwhile is signed too.
      log.info({ key: checkpoints.fingerprint, file: checkpoints.publicKeyFile }, "journal heads are signed");
      onStop("sign the journal's head", () => checkpoints.keep(sql, clock.now(), true));
    }

    const options: WorkOptions = {
      sql,
      jobs,
      targets,
      signals,
      clock,
      log,
      metrics,
      library,
      policy,
      redButton,
      environment,
      approvalMinutes: config.approvalMinutes,
      maxWaitSeconds: config.maxWaitSeconds,
      lockLeaseMs: LOCK_LEASE_MS,
      httpOrigins: config.httpOrigins,
      verifyIntervalMs: config.verifyIntervalMs,
      preconditionMs: config.preconditionSeconds * 1_000,
      fetch,
    };
    await http.mount("/api/v1", dryRunRoutes(options));
    const stopWork = await jobs.work(RUN_QUEUE, { concurrency: config.concurrency, leaseSeconds: JOB_LEASE_SECONDS, attempts: 20 }, (job) =>
      workRun(options, job),
    );
    onStop("stop runs", stopWork);
    await resumeRuns(options);

    const subscription = await bus.subscribe({
      group: GROUP,
      topics: [TOPICS.actions],
      handle: async ({ events }) => {
        const wanted = events.filter(({ type }) => type === ActionRequested.type || type === ActionApproved.type);
        if (wanted.length === 0) return;
        await sql.transaction(async (tx) => {
          const fresh = await claimEvents(
            tx,
            GROUP,
            wanted.map((event) => event.id),
          );
          for (const event of wanted) {
            if (!fresh.has(event.id)) continue;
            const { runId } = event.data as ActionFact;
            await jobs.send(tx, { queue: RUN_QUEUE, data: { runId }, singletonKey: event.id });
          }
        });
      },
    });
    onStop("stop listening", () => subscription.stop());

    const sweeping = new AbortController();
    const sweep = async () => {
      while (!sweeping.signal.aborted) {
        await sql
          .transaction((tx) => expireApprovals(tx, clock.now()))
          .then(
            (count) => count > 0 && log.info({ count }, "approvals ran out"),
            (err: unknown) => log.warn({ err }, "approvals not swept"),
          );
        await checkpoints?.keep(sql, clock.now()).catch((err: unknown) => log.error({ err }, "journal head not signed"));
        await clock.sleep(SWEEP_EVERY_MS, sweeping.signal).catch(() => {});
      }
    };
    const swept = sweep();
    // The lab keeps a record of its changes itself; Docker keeps none.
    const watched = targets.kind === "docker" ? watchTargetChanges({ targets, sql, clock, log }, sweeping.signal) : undefined;
    onStop("stop sweep", async () => {
      sweeping.abort();
      await Promise.all([swept, watched]);
    });
    log.info({ environment, runbooks: library.runbooks.length, refused: library.refused, targets: targets.kind }, "executor ready");
  },
});
