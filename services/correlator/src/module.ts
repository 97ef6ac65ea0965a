import { ALERT_TOPICS, type Alert } from "@tocsin/contracts";
import { type CorrelationConfig, DEFAULT_CORRELATION } from "@tocsin/correlation";
import { defineModule } from "@tocsin/host";
import { messageOf } from "@tocsin/runtime";
import { CORRELATION_QUEUE, type CorrelationWish } from "@tocsin/store";
import { CorrelatorConfig } from "./config.ts";
import { correlateBatch } from "./correlate-batch.ts";
import { decideByPerson } from "./decide-by-person.ts";
import { createMetrics } from "./metrics.ts";
import { releaseQuietAlerts } from "./release-quiet.ts";
import { repeat } from "./repeat.ts";
import { watchTopology } from "./topology-watch.ts";
import { createWorkingSets } from "./working-sets.ts";

/** Alerts in, incidents out: one delivery, one decision, one transaction. */
export const correlator = defineModule({
  name: "correlator",
  config: CorrelatorConfig,
  needs: ["bus", "store", "signals"],
  async start({ config, bus, store, signals, log, registry, clock, onStop }) {
    const correlation: CorrelationConfig = {
      ...DEFAULT_CORRELATION,
      windowMs: config.windowSeconds * 1000,
      watchdogNames: config.watchdogNames,
    };
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
    const options = { sql: store.sql, sets, config: correlation, clock, metrics };

    const stopWork = await store.jobs.work(CORRELATION_QUEUE, { concurrency: 1 }, async ({ data }) => {
      const wish = data as unknown as CorrelationWish;
      const refusal = await decideByPerson(wish, options);
      if (refusal !== undefined) log.warn({ ...wish, refusal }, "decision on grouping refused");
    });
    onStop("stop deciding for people", stopWork);
    const stopReleasing = repeat(config.releaseSeconds * 1000, clock, async () => {
      await releaseQuietAlerts(options).catch((err: unknown) => log.warn({ err, reason: messageOf(err) }, "quiet alerts not released"));
    });
    onStop("stop releasing quiet alerts", stopReleasing);

    const subscription = await bus.subscribe({
      group: "tocsin.correlator",
      topics: ALERT_TOPICS,
      maxBatch: config.maxBatch,
      async handle({ events }) {
        await correlateBatch(
          events.map((event) => event.data as Alert),
          options,
        );
        const { incidents, alerts } = sets.size();
        metrics.live(incidents, alerts);
      },
    });
    onStop("stop consuming alerts", () => subscription.stop());
    log.info({ maxBatch: config.maxBatch, windowSeconds: config.windowSeconds }, "correlator ready");
  },
});
