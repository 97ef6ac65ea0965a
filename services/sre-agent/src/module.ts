import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { TOPICS } from "@tocsin/contracts";
import { defineModule } from "@tocsin/host";
import { loadRunbooks, type Runbook } from "@tocsin/runbooks";
import { type Logger, messageOf } from "@tocsin/runtime";
import { incidentsUnderWork } from "@tocsin/store";
import { loadPrompts } from "./advice/prompts.ts";
import { adviceRoutes } from "./advice-routes.ts";
import { openCheckpoints } from "./checkpoints.ts";
import { conclude } from "./conclude.ts";
import { SreAgentConfig } from "./config.ts";
import { GROUP, takeEvents } from "./intake.ts";
import { investigate } from "./investigate.ts";
import { CONCLUDE, INVESTIGATE, sendConclude, sendInvestigate, TELL } from "./jobs.ts";
import { createMetrics } from "./metrics.ts";
import type { AgentDeps } from "./round.ts";
import { tell } from "./tell.ts";

/** The incident's worker: investigates, plans, asks for an action, verifies, closes or hands over. It acts on nothing itself. */
export const sreAgent = defineModule({
  name: "sre-agent",
  config: SreAgentConfig,
  needs: ["bus", "store", "signals", "http", "llm"],
  async start({ config, bus, store, signals, http, llm, log, registry, clock, onStop, onReady }) {
    const metrics = createMetrics(registry);
    const deps: AgentDeps = {
      store,
      signals,
      config,
      clock,
      log,
      metrics,
      runbooks: () => readRunbooks(config.runbooksDir, log),
      advice: { adviser: llm, prompts: await loadPrompts() },
    };
    await http.mount("/api/v1", adviceRoutes(deps));
    const library = await deps.runbooks();
    // Once everything is ready, or with the first investigation: a start need not wait for it.
    let opening: ReturnType<typeof openCheckpoints> | undefined;
    const checkpoints = () => {
      opening ??= openCheckpoints(store, log);
      return opening;
    };
    onStop("open checkpoints", () => opening);
    onReady(async () => void checkpoints());
    const options = { concurrency: config.concurrency, leaseSeconds: 30, attempts: 20 };
    onStop(
      "stop investigations",
      await store.jobs.work(INVESTIGATE, options, async ({ data, signal }) =>
        investigate(deps, data["incidentId"] ?? "", data["reason"] ?? "", await checkpoints(), signal),
      ),
    );
    // A model's words are worth few tries: what fails has said why.
    const words = { concurrency: 1, leaseSeconds: 30, attempts: 3 };
    onStop(
      "stop telling",
      await store.jobs.work(TELL, words, ({ data, signal }) => tell(deps, data["incidentId"] ?? "", Number(data["round"]), signal)),
    );
    onStop("stop conclusions", await store.jobs.work(CONCLUDE, options, ({ data }) => conclude(deps, data["incidentId"] ?? "")));

    const subscription = await bus.subscribe({
      group: GROUP,
      topics: [TOPICS.events, TOPICS.actions],
      handle: ({ events }) => takeEvents(store, events, config.settleSeconds),
    });
    onStop("stop subscription", () => subscription.stop());

    // A job that was given up, or a chain of looks that a crash cut between two: whoever starts picks them up.
    await store.sql.transaction(async (tx) => {
      for (const { id, state } of await incidentsUnderWork(tx)) {
        if (state === "open" || state === "investigating") await sendInvestigate(store.jobs, tx, id, "the agent started anew");
        else await sendConclude(store.jobs, tx, id);
      }
    });
    log.info({ runbooks: library.length }, "sre-agent ready");
  },
});

/** Reads the library anew for each plan: it is small, and an edited runbook counts from the next incident on. */
async function readRunbooks(folder: string, log: Logger): Promise<readonly Runbook[]> {
  try {
    const { runbooks, problems } = await loadRunbooks({
      list: () => readdir(folder, { recursive: true }),
      read: (path) => readFile(join(folder, path), "utf8"),
    });
    for (const problem of problems) if (problem.level === "error") log.warn({ ...problem }, "runbook refused");
    return runbooks;
  } catch (error) {
    log.warn({ folder, reason: messageOf(error) }, "no runbooks");
    return [];
  }
}
