import { type Clock, isoTime, newId, type Sql } from "@tocsin/runtime";
import { appendJournal, autonomyChanges, insertAutonomyChange } from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { AutonomyChangeView, listOf } from "../views.ts";

const SHOWN = 100;

/** How far runbooks may act by themselves: what their record moved, and what people said to it. */
export const autonomyRoutes =
  (sql: Sql, clock: Clock): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    const Query = z.object({ runbook: z.string().max(200).optional() });
    app.get(
      "/autonomy",
      {
        schema: {
          summary: "Proposals, promotions and demotions of runbooks, the newest first",
          tags: ["runbooks"],
          querystring: Query,
          response: { 200: listOf(AutonomyChangeView) },
        },
      },
      async ({ query }) => ({
        items: [...(await autonomyChanges(sql, { limit: SHOWN, ...(query.runbook === undefined ? {} : { runbook: query.runbook }) }))],
        next: null,
      }),
    );

    const Decision = z.object({
      environment: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
      decision: z.enum(["promoted", "declined", "demoted"]),
      by: z.string().trim().min(1).max(200).default("console"),
      reason: z.string().trim().max(1_000).default(""),
    });
    app.post(
      "/runbooks/:id/autonomy",
      {
        schema: {
          summary: "Let it act by itself where its record allows it, decline that, or take it away",
          tags: ["runbooks"],
          params: z.object({ id: z.string().max(200) }),
          body: Decision,
          response: { 200: AutonomyChangeView },
        },
      },
      ({ params, body }) =>
        sql.transaction(async (tx) => {
          const { environment, decision: kind, by, reason } = body;
          const change = { id: newId("aut"), runbook: params.id, environment, kind, reason, by, at: isoTime(clock.now()) };
          await insertAutonomyChange(tx, change);
          const { at } = change;
          await appendJournal(tx, {
            at,
            actor: by,
            action: `autonomy.${kind}`,
            subject: `runbook:${params.id}`,
            body: { environment, reason },
          });
          return change;
        }),
    );
  };
