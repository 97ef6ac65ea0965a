import { defineModule } from "@tocsin/host";
import { isoTime } from "@tocsin/runtime";
import { BridgeConfig } from "./config.ts";
import { createIntake, type Intake, refusal } from "./intake.ts";
import { createMetrics } from "./metrics.ts";
import { parseBody, parseMember } from "./parse/delivery.ts";
import { quarantineRoutes } from "./quarantine-routes.ts";
import { createInboxRelay } from "./relay.ts";
import { createSender } from "./sender.ts";
import { createGate, webhookRoutes } from "./webhook-routes.ts";

/** Webhooks in, normalised alerts out: durable first, then answered. What cannot be understood is quarantined. */
export const bridge = defineModule({
  name: "bridge",
  config: BridgeConfig,
  needs: ["bus", "store", "cache", "http"],
  async start({ config, bus, store, cache, http, log, registry, clock, onStop }) {
    const { sql } = store;
    const metrics = createMetrics(registry);
    const gate = createGate();
    const rules = { service: config.serviceLabels, severity: config.severityLabels, scope: config.scopeLabels };
    const gitlab = { services: config.gitlabServices, tiers: new Set(config.gitlabTiers) };
    const { publishTimeoutMs } = config;

    const relay = createInboxRelay({
      sql,
      bus,
      clock,
      log,
      publishTimeoutMs,
      onDepth: metrics.inboxDepth,
      onRefused: (event, error) => intake.quarantine("inbox", [refusal(event, error)], {}),
    });
    const intake: Intake = createIntake({
      sql,
      cache,
      sender: createSender({ bus, relay, log, publishTimeoutMs }),
      clock,
      log,
      metrics,
      dedupeMs: config.dedupeSeconds * 1_000,
      heartbeatNames: new Set(config.heartbeatNames),
    });

    onStop("stop inbox relay", () => relay.stop());
    await relay.start();
    onStop("drain deliveries", () => gate.drain());

    const reading = (receivedAt = isoTime(clock.now())) => ({ rules, mappings: config.sources, receivedAt, gitlab });
    const doors = { config, cache, clock, log, metrics, gate, inboxDepth: () => relay.depth };
    await http.mount(
      "/webhooks",
      webhookRoutes(doors, (source) => (body, context) => intake.take(parseBody(source, body, reading()), context)),
    );
    await http.mount(
      "/api/v1/quarantine",
      quarantineRoutes({
        sql,
        clock,
        intake,
        reread({ source, headers, body }, receivedAt) {
          const format = headers["tocsin-member-of"];
          if (format === undefined) return parseBody(source, body, reading(receivedAt));
          const groupKey = headers["tocsin-group-key"];
          return parseMember(source, { format, ...(groupKey === undefined ? {} : { groupKey }) }, body, reading(receivedAt));
        },
      }),
    );
    log.info({ scopeLabels: config.scopeLabels, authenticated: isGuarded(config) }, "bridge ready");
  },
});

const isGuarded = (config: BridgeConfig): boolean =>
  config.webhookTokens.length + config.grafanaHmacSecrets.length + config.gitlabTokens.length + config.signingSecrets.length > 0;
