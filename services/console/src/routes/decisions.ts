import { eventOf, IncidentAcknowledged, type IncidentState } from "@tocsin/contracts";
import { isTerminal, statesBefore } from "@tocsin/incident";
import { type Clock, isoTime, type Queryable, type Sql } from "@tocsin/runtime";
import { appendEvents, appendJournal, moveIncident, saveFeedback } from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { incidentUnknown, moveRefused } from "../errors.ts";
import { MovedView } from "../views.ts";

const SOURCE = "/tocsin/console";
const Id = z.object({ id: z.string().max(200) });
const Decision = z.object({ by: z.string().trim().min(1).max(200).default("console"), reason: z.string().trim().max(1_000).default("") });

/** Locks the incident until the transaction ends. @throws AppError `INCIDENT_UNKNOWN` */
export async function stateOf(tx: Queryable, id: string): Promise<IncidentState> {
  const { rows } = await tx.query<{ state: IncidentState }>("SELECT state FROM incidents WHERE id = $1 FOR UPDATE", [id]);
  const row = rows[0];
  if (row === undefined) throw incidentUnknown(id);
  return row.state;
}

/** What people decide about an incident. Each decision is journalled in the transaction that carries it out. */
export const decisionRoutes =
  (sql: Sql, clock: Clock): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();

    app.post(
      "/incidents/:id/ack",
      {
        schema: {
          summary: "Say that a person has seen it",
          tags: ["incidents"],
          params: Id,
          body: Decision,
          response: { 200: z.object({ id: z.string(), acknowledged: z.boolean() }) },
        },
      },
      ({ params, body }) =>
        sql.transaction(async (tx) => {
          const state = await stateOf(tx, params.id);
          if (isTerminal(state)) throw moveRefused(params.id, state, state);
          const nowMs = clock.now();
          const at = isoTime(nowMs);
          const { rowCount } = await tx.query(
            "UPDATE incidents SET acknowledged_by = $2, acknowledged_at = $3, updated_at = $3, revision = revision + 1 WHERE id = $1 AND acknowledged_at IS NULL",
            [params.id, body.by, at],
          );
          if (rowCount > 0) {
            await appendJournal(tx, {
              at,
              actor: body.by,
              action: "incident.acknowledge",
              subject: params.id,
              body: { reason: body.reason },
            });
            const text = `acknowledged by ${body.by}${body.reason === "" ? "" : `: ${body.reason}`}`;
            await appendEvents(tx, [
              eventOf(
                IncidentAcknowledged,
                { id: `${params.id}:acknowledged`, source: SOURCE, time: at },
                { incidentId: params.id, at, kind: "acknowledged", text, state },
              ),
            ]);
          }
          return { id: params.id, acknowledged: true };
        }),
    );

    const move = (to: IncidentState, done: string) => (request: { params: z.output<typeof Id>; body: z.output<typeof Decision> }) =>
      sql.transaction(async (tx) => {
        const { params, body } = request;
        const from = await stateOf(tx, params.id);
        const text = `${done} by ${body.by}${body.reason === "" ? "" : `: ${body.reason}`}`;
        await appendJournal(tx, {
          at: isoTime(clock.now()),
          actor: body.by,
          action: `incident.${to}`,
          subject: params.id,
          body: { from, reason: body.reason },
        });
        // A worker that is busy with it loses its claim, and so writes nothing after the person's word.
        await tx.query("UPDATE incidents SET fence = fence + 1 WHERE id = $1", [params.id]);
        const moved = await moveIncident(tx, {
          incidentId: params.id,
          to,
          from: statesBefore(to),
          text,
          source: SOURCE,
          nowMs: clock.now(),
        });
        if (moved === undefined) throw moveRefused(params.id, from, to);
        return { id: params.id, state: to };
      });
    app.post(
      "/incidents/:id/escalate",
      { schema: { summary: "Hand it to a person", tags: ["incidents"], params: Id, body: Decision, response: { 200: MovedView } } },
      move("escalated", "escalated"),
    );
    app.post(
      "/incidents/:id/close",
      { schema: { summary: "Close it", tags: ["incidents"], params: Id, body: Decision, response: { 200: MovedView } } },
      move("closed", "closed"),
    );

    const Feedback = z.object({
      right: z.boolean(),
      note: z.string().trim().max(2_000).default(""),
      by: z.string().trim().min(1).max(200).default("console"),
    });
    app.post(
      "/incidents/:id/feedback",
      {
        schema: {
          summary: "Say whether the cause that was found is the right one",
          tags: ["incidents"],
          params: Id,
          body: Feedback,
          response: { 200: Feedback.extend({ at: z.string() }) },
        },
      },
      ({ params, body }) =>
        sql.transaction(async (tx) => {
          await stateOf(tx, params.id);
          const at = isoTime(clock.now());
          await saveFeedback(tx, params.id, { ...body, at });
          await appendJournal(tx, {
            at,
            actor: body.by,
            action: body.right ? "cause.right" : "cause.wrong",
            subject: params.id,
            body: { note: body.note },
          });
          return { ...body, at };
        }),
    );
  };
