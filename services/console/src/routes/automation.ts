import { type Clock, isoTime, type Sql } from "@tocsin/runtime";
import { appendJournal, getSwitch, RED_BUTTON, readStats, readStatsHistory, setSwitch } from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { PressedView, StatsHistoryView, StatsView, SwitchView } from "../views.ts";

/** The red button and the figures. */
export const automationRoutes =
  (sql: Sql, clock: Clock): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    const Press = z.object({
      on: z.boolean(),
      reason: z.string().trim().min(1).max(1_000),
      by: z.string().trim().min(1).max(200).default("console"),
    });
    app.get("/red-button", { schema: { summary: "Is all automation stopped?", tags: ["automation"], response: { 200: SwitchView } } }, () =>
      getSwitch(sql, RED_BUTTON),
    );
    app.post(
      "/red-button",
      { schema: { summary: "Stop or allow all automation", tags: ["automation"], body: Press, response: { 200: PressedView } } },
      async ({ body }) =>
        sql.transaction(async (tx) => {
          const { on, reason, by } = body;
          const pressed = await setSwitch(tx, { name: RED_BUTTON, isOn: on, reason, changedBy: by });
          if (pressed.changed)
            await appendJournal(tx, {
              at: isoTime(clock.now()),
              actor: by,
              action: on ? "red-button.on" : "red-button.off",
              subject: RED_BUTTON,
              body: { reason },
            });
          return pressed;
        }),
    );

    const Window = z.object({
      hours: z.coerce
        .number()
        .positive()
        .max(24 * 90)
        .default(24 * 7),
    });
    app.get(
      "/stats",
      { schema: { summary: "How the platform has done", tags: ["insights"], querystring: Window, response: { 200: StatsView } } },
      ({ query }) => readStats(sql, Math.round(query.hours * 3600)),
    );
    app.get(
      "/stats/history",
      {
        schema: {
          summary: "The figures by time and by service",
          tags: ["insights"],
          querystring: Window,
          response: { 200: StatsHistoryView },
        },
      },
      ({ query }) => readStatsHistory(sql, Math.round(query.hours * 3600), bucketSecondsOf(query.hours)),
    );
  };

/** Pure: a width of slices that people read easily, at most some 60 of them. */
export function bucketSecondsOf(hours: number): number {
  const widths = [60, 300, 900, 3_600, 3 * 3_600, 6 * 3_600, 86_400, 7 * 86_400];
  return widths.find((width) => (hours * 3_600) / width <= 60) ?? 7 * 86_400;
}
