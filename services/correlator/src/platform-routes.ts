import { type Clock, isoTime, type Sql } from "@tocsin/runtime";
import { listHeartbeats } from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { heartbeatUnknown } from "./errors.ts";
import { readStorm, type StormLimits } from "./storm.ts";

const StormView = z.object({
  on: z.boolean(),
  /** When it last began or ended. */
  since: z.string().optional(),
  /** Incidents opened within the window now. */
  opened: z.number(),
  incidents: z.number(),
  windowSeconds: z.number(),
});
const HeartbeatView = z.object({
  /** Names the watchdog by its labels. */
  id: z.string(),
  scope: z.string(),
  source: z.string(),
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  firstAt: z.string(),
  seenAt: z.string(),
  silentSeconds: z.number(),
  silent: z.boolean(),
});
const Id = z.object({ id: z.string().max(100) });

export interface PlatformDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly storm: StormLimits;
  readonly silentMs: number;
  /** Forgets a watchdog and ends the alert about its silence. @returns whether it was known */
  readonly forget: (fingerprint: string) => Promise<boolean>;
}

/** `/storm` and `/heartbeats`: how the platform and those who send to it are doing. */
export const platformRoutes =
  ({ sql, clock, storm, silentMs, forget }: PlatformDeps): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    const tags = ["platform"];
    app.get("/storm", { schema: { summary: "Is there a storm of incidents?", tags, response: { 200: StormView } } }, () =>
      readStorm(sql, clock, storm),
    );
    app.get(
      "/heartbeats",
      {
        schema: {
          summary: "Watchdogs and when each was last heard",
          tags,
          response: { 200: z.object({ items: z.array(HeartbeatView), next: z.null() }) },
        },
      },
      async () => ({
        items: (await listHeartbeats(sql)).map(({ fingerprint: id, ...heartbeat }) => {
          const silentForMs = Math.max(0, clock.now() - Date.parse(heartbeat.seenAt));
          return { id, ...heartbeat, silentSeconds: Math.round(silentForMs / 1_000), silent: silentForMs >= silentMs };
        }),
        next: null,
      }),
    );
    app.delete(
      "/heartbeats/:id",
      {
        schema: {
          summary: "Forget a watchdog that is gone for good",
          tags,
          params: Id,
          response: { 200: z.object({ forgottenAt: z.string() }) },
        },
      },
      async ({ params }) => {
        if (!(await forget(params.id))) throw heartbeatUnknown(params.id);
        return { forgottenAt: isoTime(clock.now()) };
      },
    );
  };
