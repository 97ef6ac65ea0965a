import type { Clock, Sql } from "@tocsin/runtime";
import { decideApproval, listApprovals } from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { decodeCursor, encodeCursor, ListQuery } from "../cursor.ts";
import { approvalRefused } from "../errors.ts";
import { ApprovalFull, listOf } from "../views.ts";

/** Questions to people. A decision names the digest of what the person saw: a yes to anything else is none. */
export const approvalRoutes =
  (sql: Sql, clock: Clock): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    const Query = z.object({
      ...ListQuery,
      state: z.enum(["pending", "approved", "denied", "expired"]).optional(),
      incidentId: z.string().max(200).optional(),
    });
    app.get(
      "/approvals",
      {
        schema: {
          summary: "What people are asked, the newest first",
          tags: ["approvals"],
          querystring: Query,
          response: { 200: listOf(ApprovalFull) },
        },
      },
      async ({ query }) => {
        const { state, incidentId, limit, cursor } = query;
        const after = cursor === undefined ? undefined : decodeCursor(cursor);
        const rows = await listApprovals(sql, {
          limit: limit + 1,
          ...(state === undefined ? {} : { state }),
          ...(incidentId === undefined ? {} : { incidentId }),
          ...(after === undefined ? {} : { before: [after.at, after.id] as const }),
        });
        const items = rows.slice(0, limit);
        const last = items.at(-1);
        return { items, next: rows.length > limit && last !== undefined ? encodeCursor({ at: last.requestedAt, id: last.id }) : null };
      },
    );

    const Id = z.object({ id: z.string().max(200) });
    const Decision = z.object({
      digest: z.string().min(1).max(200),
      by: z.string().trim().min(1).max(200).default("console"),
      emergency: z.boolean().optional(),
    });
    const decide = (decision: "approve" | "deny") => (request: { params: z.output<typeof Id>; body: z.output<typeof Decision> }) =>
      sql.transaction(async (tx) => {
        const { digest, by, emergency } = request.body;
        const answer = { id: request.params.id, decision, by, digest, ...(emergency === undefined ? {} : { emergency }) };
        const outcome = await decideApproval(tx, answer, clock.now());
        if (outcome.kind === "refused") throw approvalRefused(outcome);
        return outcome.approval;
      });
    const schema = { tags: ["approvals"], params: Id, body: Decision, response: { 200: ApprovalFull } };
    app.post("/approvals/:id/approve", { schema: { ...schema, summary: "Yes to exactly the digest that was seen" } }, decide("approve"));
    app.post("/approvals/:id/deny", { schema: { ...schema, summary: "No; the run ends" } }, decide("deny"));
  };
