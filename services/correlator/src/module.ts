import { ALERT_TOPICS, type Alert } from "@tocsin/contracts";
import { type CorrelationConfig, DEFAULT_CORRELATION } from "@tocsin/correlation";
import { defineModule } from "@tocsin/host";
import { CorrelatorConfig } from "./config.ts";
import { correlateBatch } from "./correlate-batch.ts";
import { createMetrics } from "./metrics.ts";
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
    const subscription = await bus.subscribe({
      group: "tocsin.correlator",
      topics: ALERT_TOPICS,
      maxBatch: config.maxBatch,
      async handle({ events }) {
        await correlateBatch(
          events.map((event) => event.data as Alert),
          { sql: store.sql, sets, config: correlation, clock, metrics },
        );
        const { incidents, alerts } = sets.size();
        metrics.live(incidents, alerts);
      },
    });
    onStop("stop consuming alerts", () => subscription.stop());
    log.info({ maxBatch: config.maxBatch, windowSeconds: config.windowSeconds }, "correlator ready");
  },
});
