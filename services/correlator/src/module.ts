import { ALERT_TOPICS, type Alert } from "@tocsin/contracts";
import { type CorrelationConfig, DEFAULT_CORRELATION } from "@tocsin/correlation";
import { defineModule } from "@tocsin/host";
import { messageOf } from "@tocsin/runtime";
import { CORRELATION_QUEUE, type CorrelationWish } from "@tocsin/store";
import { CorrelatorConfig } from "./config.ts";
import { correlateBatch } from "./correlate-batch.ts";
import { forgetWatchdog, watchHeartbeats } from "./dead-man.ts";
import { decideByPerson } from "./decide-by-person.ts";
import { createMetrics } from "./metrics.ts";
import { platformRoutes } from "./platform-routes.ts";
import { releaseQuietAlerts } from "./release-quiet.ts";
import { repeat } from "./repeat.ts";
import { returnHeldBack } from "./return-held-back.ts";
import { rulesOf } from "./rule-file.ts";
import { type StormLimits, watchStorm } from "./storm.ts";
import { suppressionRoutes } from "./suppression-routes.ts";
import { watchTopology } from "./topology-watch.ts";
import { createWorkingSets } from "./working-sets.ts";

const MAX_BATCH = { postgres: 2_000, pglite: 500 } as const;

/** Alerts in, incidents out: one delivery, one decision, one transaction. */
export const correlator = defineModule({
  name: "correlator",
  config: CorrelatorConfig,
  needs: ["bus", "store", "signals", "http"],
  async start({ config, bus, store, signals, http, log, registry, clock, onStop }) {
    const base: CorrelationConfig = { ...DEFAULT_CORRELATION, windowMs: config.windowSeconds * 1000, watchdogNames: config.watchdogNames };
    const { correlation, suppress: standing } = rulesOf(config.rules, base);
    const metrics = createMetrics(registry);
    const topology = watchTopology({ port: signals.topology, config: correlation, everyMs: config.topologySeconds * 1000, clock, log });
    onStop("stop topology watch", () => topology.stop());
    metrics.topologyAge(() => topology.ageSeconds());

    const sets = createWorkingSets({
      config: correlation,
      graph: () => topology.graph(),
      now: () => clock.now(),
      onReload: (reason) => metrics.reloaded(reason, 1),
    });
    const options = { sql: store.sql, sets, config: correlation, standing, clock, metrics };

    const stopWork = await store.jobs.work(CORRELATION_QUEUE, { concurrency: 1 }, async ({ data }) => {
      const wish = data as unknown as CorrelationWish;
      const refusal = await decideByPerson(wish, options);
      if (refusal !== undefined) log.warn({ ...wish, refusal }, "decision on grouping refused");
    });
    onStop("stop deciding for people", stopWork);
    const listeningSince = clock.now();
    const silentMs = config.watchdogSilentSeconds * 1000;
    const everyMs = config.releaseSeconds * 1000;
    // What happens because time passes. The store is asked what is due, so any process may do it and none has to remember.
    const tended = (what: string, work: () => Promise<unknown>) =>
      repeat(everyMs, clock, async () => {
        await work().catch((err: unknown) => log.warn({ err, reason: messageOf(err), what }, "upkeep failed, tried again"));
      });
    const returning = tended("held back alerts", () => returnHeldBack(options));
    onStop("stop returning held back alerts", () => returning.stop());
    const releasing = tended("quiet alerts", () => releaseQuietAlerts(options));
    onStop("stop releasing quiet alerts", () => releasing.stop());
    const limits: StormLimits = { incidents: config.stormIncidents, windowSeconds: config.stormWindowSeconds };
    const storms = tended("storm mode", async () => metrics.storm(await watchStorm(store.sql, clock, limits)));
    onStop("stop watching for storms", () => storms.stop());
    if (silentMs > 0) {
      const dead = { ...options, silentMs, listeningSince };
      const heartbeats = tended("watchdogs", async () => metrics.silentWatchdogs(await watchHeartbeats(dead)));
      onStop("stop watching watchdogs", () => heartbeats.stop());
    }

    await http.mount("/api/v1", suppressionRoutes({ sql: store.sql, clock, onEnded: () => returning.soon() }));
    await http.mount(
      "/api/v1",
      platformRoutes({ sql: store.sql, clock, storm: limits, silentMs, forget: (id) => forgetWatchdog(options, id) }),
    );

    const maxBatch = config.maxBatch ?? MAX_BATCH[store.engine];
    const subscription = await bus.subscribe({
      group: "tocsin.correlator",
      topics: ALERT_TOPICS,
      maxBatch,
      async handle({ events }) {
        const decisions = await correlateBatch(
          events.map((event) => event.data as Alert),
          options,
        );
        if (decisions.some(({ opened }) => opened.size > 0)) storms.soon();
        const { incidents, alerts } = sets.size();
        metrics.live(incidents, alerts);
      },
    });
    onStop("stop consuming alerts", () => subscription.stop());
    log.info({ maxBatch, windowSeconds: config.windowSeconds }, "correlator ready");
  },
});
