// All of the console's API under one prefix, from its parts. The generator of the client's types and the tests mount it as the module does.
import type { EventBus } from "@tocsin/bus";
import type { EffectiveConfig } from "@tocsin/host";
import type { Clock } from "@tocsin/runtime";
import type { Signals } from "@tocsin/signals";
import type { Store } from "@tocsin/store";
import type { TargetPort } from "@tocsin/targets";
import type { FastifyPluginAsync } from "fastify";
import { answerNotModified } from "./etag.ts";
import type { LiveStream } from "./live-stream.ts";
import { approvalRoutes } from "./routes/approvals.ts";
import { auditRoutes } from "./routes/audit.ts";
import { automationRoutes } from "./routes/automation.ts";
import { autonomyRoutes } from "./routes/autonomy.ts";
import { deadLetterRoutes } from "./routes/dead-letters.ts";
import { decisionRoutes } from "./routes/decisions.ts";
import { estateRoutes } from "./routes/estate.ts";
import { groupingRoutes } from "./routes/grouping.ts";
import { guidanceRoutes } from "./routes/guidance.ts";
import { incidentRoutes } from "./routes/incidents.ts";
import { runbookRoutes } from "./routes/runbooks.ts";
import { settingsRoutes } from "./routes/settings.ts";
import { streamRoutes } from "./routes/stream.ts";

export interface ApiDeps {
  readonly store: Store;
  readonly bus: Pick<EventBus, "publish">;
  readonly signals: Signals;
  readonly targets: TargetPort;
  readonly live: LiveStream;
  readonly clock: Clock;
  readonly runbooksDir: string;
  readonly effectiveConfig: EffectiveConfig;
  readonly version: string;
}

/** To be mounted at `/api/v1`. */
export const apiRoutes =
  ({ store, bus, signals, targets, live, clock, runbooksDir, effectiveConfig, version }: ApiDeps): FastifyPluginAsync =>
  async (app) => {
    const { sql } = store;
    app.addHook("onSend", answerNotModified);
    await app.register(incidentRoutes(sql));
    await app.register(streamRoutes(live, sql));
    await app.register(decisionRoutes(sql, clock));
    await app.register(groupingRoutes(store, clock));
    await app.register(approvalRoutes(sql, clock));
    await app.register(automationRoutes(sql, clock));
    await app.register(estateRoutes({ sql, signals, targets, clock }));
    await app.register(runbookRoutes({ folder: runbooksDir, sql, clock }));
    await app.register(guidanceRoutes({ folder: runbooksDir, sql, clock }));
    await app.register(autonomyRoutes(sql, clock));
    await app.register(auditRoutes(sql));
    await app.register(deadLetterRoutes(sql, bus, clock));
    await app.register(settingsRoutes(effectiveConfig, version));
  };
