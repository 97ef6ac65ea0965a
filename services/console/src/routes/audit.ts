import type { Queryable } from "@tocsin/runtime";
import { readJournal, verifyJournal } from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { JournalView, listOf, VerdictView } from "../views.ts";

/** The journal: what was decided and done, by whom, and whether it is what was written. */
export const auditRoutes =
  (sql: Queryable): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    const Query = z.object({
      /** The `next` of the page before. */
      cursor: z.coerce.number().int().min(1).optional(),
      limit: z.coerce.number().int().min(1).max(500).default(200),
      subject: z.string().max(200).optional(),
    });
    app.get(
      "/audit",
      { schema: { summary: "The journal, the newest first", tags: ["audit"], querystring: Query, response: { 200: listOf(JournalView) } } },
      async ({ query }) => {
        const before = query.cursor ?? Number.MAX_SAFE_INTEGER;
        const { rows } = await sql.query<{ seq: number }>(
          "SELECT seq FROM journal WHERE seq < $1 AND ($2::text IS NULL OR subject = $2) ORDER BY seq DESC LIMIT $3",
          [before, query.subject ?? null, query.limit + 1],
        );
        const shown = rows.slice(0, query.limit).map(({ seq }) => seq);
        const oldest = shown.at(-1);
        if (oldest === undefined) return { items: [], next: null };
        const wanted = new Set(shown);
        const page = await readJournal(sql, { afterSeq: oldest - 1, limit: (shown[0] ?? oldest) - oldest + 1 });
        const items = page.filter(({ seq }) => wanted.has(seq)).reverse();
        return { items, next: rows.length > query.limit ? String(oldest) : null };
      },
    );
    app.get(
      "/audit/verify",
      { schema: { summary: "Walks the whole chain of hashes", tags: ["audit"], response: { 200: VerdictView } } },
      async () => verifyJournal(sql),
    );
  };
