import type { EventBus } from "@tocsin/bus";
import type { Clock, Sql } from "@tocsin/runtime";
import { type DeadLetterEntry, listDeadLetters } from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { decodeCursor, ListQuery, listAnswer } from "../cursor.ts";
import { decideLetter, textOf } from "../dead-letters.ts";
import { DeadLetterView, listOf } from "../views.ts";

const shown = ({ value, ...letter }: DeadLetterEntry) => ({ ...letter, body: textOf({ value }) });

/** Events that some consumer could not process, to be read and sent again once its cause is mended. */
export const deadLetterRoutes =
  (sql: Sql, bus: Pick<EventBus, "publish">, clock: Clock): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    const Query = z.object({ ...ListQuery, state: z.enum(["held", "replayed", "dropped"]).optional() });
    app.get(
      "/dead-letters",
      {
        schema: {
          summary: "Dead letters, the newest first",
          tags: ["dead letters"],
          querystring: Query,
          response: { 200: listOf(DeadLetterView) },
        },
      },
      async ({ query }) => {
        const { limit, cursor, state } = query;
        const page = await listDeadLetters(sql, {
          limit,
          ...(state === undefined ? {} : { state }),
          ...(cursor === undefined ? {} : { after: decodeCursor(cursor) }),
        });
        return listAnswer({ ...page, items: page.items.map(shown) });
      },
    );

    const Id = z.object({ id: z.string().max(300) });
    const By = z.object({ by: z.string().trim().min(1).max(200).default("console") });
    const decide = (state: "replayed" | "dropped") => (request: { params: z.output<typeof Id>; body: z.output<typeof By> }) =>
      decideLetter({ sql, bus, clock }, { id: request.params.id, state, by: request.body.by }).then(() => ({
        id: request.params.id,
        state,
      }));
    const schema = { tags: ["dead letters"], params: Id, body: By, response: { 200: z.object({ id: z.string(), state: z.string() }) } };
    app.post("/dead-letters/:id/replay", { schema: { ...schema, summary: "Send it again to where it came from" } }, decide("replayed"));
    app.post("/dead-letters/:id/drop", { schema: { ...schema, summary: "Put it away" } }, decide("dropped"));
  };
