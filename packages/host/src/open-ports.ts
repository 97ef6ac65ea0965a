import { openBus } from "@tocsin/bus";
import { openCache } from "@tocsin/cache";
import type { RunningHttpServer } from "@tocsin/http";
import { type LlmReply, memoryLedger, openAdviser } from "@tocsin/llm";
import { type Clock, isoTime, type Logger, type OnStop } from "@tocsin/runtime";
import { openSignals } from "@tocsin/signals";
import { changesBetween, llmLedger, openStore, startRelay } from "@tocsin/store";
import { openTargets } from "@tocsin/targets";
import type { Registry } from "prom-client";
import type { HostConfig } from "./config.ts";
import type { PortName, Ports } from "./module.ts";
import { gaugeOutbox, jobCounter } from "./store-metrics.ts";

export interface OpenPortsOptions {
  readonly config: HostConfig;
  /** What the modules of this process need together. */
  readonly needs: ReadonlySet<PortName>;
  readonly http: RunningHttpServer;
  readonly log: Logger;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly onStop: OnStop;
  /** For a part that has failed for good while running, e.g. a bus client that cannot be rebuilt. */
  readonly fail: (error: unknown) => void;
}

/**
 * Opens the parts that are needed, each by the adapter that its address names; adapters load their libraries themselves, so that
 * embedded mode never loads a Kafka client. This is the one place where parts meet.
 */
export async function openPorts({ config, needs, http, log, registry, clock, onStop, fail }: OpenPortsOptions): Promise<Partial<Ports>> {
  const ports: { -readonly [Name in PortName]?: Ports[Name] } = { http };
  const logOf = (component: string) => log.child({ component });

  const busNeedsStore = needs.has("bus") && config.busUrl.startsWith("embedded:");
  // What models cost is written down where it survives the process.
  const llmNeedsStore = needs.has("llm") && config.llmUrl !== "none:";
  if (needs.has("store") || busNeedsStore || llmNeedsStore) {
    const store = await openStore({ url: config.storeUrl, log: logOf("store"), clock, onJobWorked: jobCounter(registry) });
    onStop("close store", () => store.close());
    http.addCheck("store", () => store.ping());
    gaugeOutbox(registry, store.sql, clock);
    ports.store = store;
  }
  if (needs.has("cache")) {
    const cache = await openCache({ url: config.cacheUrl, log: logOf("cache"), clock });
    onStop("close cache", () => cache.close());
    http.addCheck("cache", () => cache.ping(), { required: false });
    ports.cache = cache;
  }
  if (needs.has("bus")) {
    const bus = await openBus({
      url: config.busUrl,
      log: logOf("bus"),
      clock,
      registry,
      onFatal: fail,
      ...(ports.store === undefined ? {} : { sql: ports.store.sql }),
      kafka: {
        tls: config.busTls,
        ...(config.busCa === undefined ? {} : { caPem: config.busCa }),
        ...(config.busSaslMechanism === undefined
          ? {}
          : { sasl: { mechanism: config.busSaslMechanism, username: config.busUsername ?? "", password: config.busPassword ?? "" } }),
      },
    });
    onStop("close bus", () => bus.close());
    http.addCheck("bus", () => bus.ping());
    ports.bus = bus;
    if (ports.store !== undefined) {
      const relay = await startRelay({ sql: ports.store.sql, publish: (events) => bus.publish(events), log: logOf("relay") });
      onStop("stop relay", () => relay.stop());
    }
  }
  if (needs.has("signals")) {
    const { store } = ports;
    const signals = await openSignals({
      metricsUrl: config.metricsUrl,
      logsUrl: config.logsUrl,
      tracesUrl: config.tracesUrl,
      labUrl: config.labUrl,
      log: logOf("signals"),
      clock,
      ...(config.topologyFile === undefined ? {} : { topologyFile: config.topologyFile }),
      ...(store === undefined
        ? {}
        : { extraChanges: (window) => changesBetween(store.sql, isoTime(window.from * 1_000), isoTime(window.to * 1_000)) }),
    });
    onStop("close signals", () => signals.close());
    http.addCheck("metrics", () => signals.metrics.ping(), { required: false });
    http.addCheck("logs", () => signals.logs.ping(), { required: false });
    ports.signals = signals;
  }
  if (needs.has("targets")) {
    const targets = await openTargets({ url: config.targetsUrl, labUrl: config.labUrl, log: logOf("targets") });
    onStop("close targets", () => targets.close());
    http.addCheck("targets", () => targets.ping(), { required: false });
    ports.targets = targets;
  }
  if (needs.has("llm")) {
    const adviser = await openAdviser({
      url: config.llmUrl,
      ...(config.llmModel === undefined ? {} : { model: config.llmModel }),
      ...(config.llmApiKey === undefined ? {} : { apiKey: config.llmApiKey }),
      ...(config.llmPricesFile === undefined ? {} : { pricesFile: config.llmPricesFile }),
      contextTokens: config.llmContextTokens,
      concurrency: config.llmConcurrency,
      minSeverity: config.llmMinSeverity,
      coolDownSeconds: config.llmCoolDownSeconds,
      budgets: {
        incident: config.llmBudgetIncident,
        hour: config.llmBudgetHour,
        day: config.llmBudgetDay,
        tenant: config.llmBudgetTenant,
      },
      traceContent: config.llmTraceContent,
      ledger: ports.store === undefined ? memoryLedger() : llmLedger<LlmReply>(ports.store.sql),
      log: logOf("llm"),
      clock,
      registry,
    });
    onStop("close models", () => adviser.close());
    ports.llm = adviser;
  }
  return ports;
}
