import { AlertView, IncidentSummary, IncidentView } from "@tocsin/contracts";
import type { Queryable } from "@tocsin/runtime";
import { listAlerts, listIncidents, readEventLog, viewIncident } from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { decodeCursor, ListQuery, listAnswer, manyOf } from "../cursor.ts";
import { incidentUnknown } from "../errors.ts";
import { STREAMED, streamItemOf } from "../live-stream.ts";
import { similarTo } from "../similar.ts";
import { listOf, SimilarView, StreamItemView } from "../views.ts";

const Id = z.object({ id: z.string().max(200) });

/** Reading incidents and alerts. */
export const incidentRoutes =
  (sql: Queryable): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    const IncidentQuery = z.object({ ...ListQuery, state: manyOf, severity: manyOf, service: z.string().max(500).optional() });
    app.get(
      "/incidents",
      {
        schema: {
          summary: "Incidents, the latest first",
          tags: ["incidents"],
          querystring: IncidentQuery,
          response: { 200: listOf(IncidentSummary) },
        },
      },
      async ({ query }) => {
        const { state, severity, service, cursor, limit } = query;
        return listAnswer(
          await listIncidents(sql, {
            limit,
            ...(state === undefined ? {} : { states: state }),
            ...(severity === undefined ? {} : { severities: severity }),
            ...(service === undefined ? {} : { service }),
            ...(cursor === undefined ? {} : { after: decodeCursor(cursor) }),
          }),
        );
      },
    );

    app.get(
      "/incidents/:id",
      { schema: { summary: "One incident in full", tags: ["incidents"], params: Id, response: { 200: IncidentView } } },
      async ({ params }) => {
        const incident = await viewIncident(sql, params.id);
        if (incident === undefined) throw incidentUnknown(params.id);
        return incident;
      },
    );

    const Events = z.object({
      after: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
    });
    app.get(
      "/incidents/:id/events",
      {
        schema: {
          summary: "What the stream of an incident has told, page by page in its order; `next` goes into `after`",
          tags: ["incidents"],
          params: Id,
          querystring: Events,
          response: { 200: listOf(StreamItemView) },
        },
      },
      async ({ params, query }) => {
        const page = await readEventLog(sql, { afterSeq: query.after, incidentId: params.id, topics: STREAMED, limit: query.limit });
        const items = page.map((logged) => {
          const { event, data } = streamItemOf(logged);
          return { ...data, event };
        });
        return { items, next: page.length < query.limit ? null : (items.at(-1)?.id ?? null) };
      },
    );

    app.get(
      "/incidents/:id/similar",
      { schema: { summary: "Past incidents like it, and what helped", tags: ["incidents"], params: Id, response: { 200: SimilarView } } },
      async ({ params }) => {
        const similar = await similarTo(sql, params.id);
        if (similar === undefined) throw incidentUnknown(params.id);
        return similar;
      },
    );

    const AlertQuery = z.object({
      ...ListQuery,
      status: z.enum(["firing", "resolved"]).optional(),
      outcome: z.enum(["incident", "suppressed", "quarantined"]).optional(),
      service: z.string().max(500).optional(),
    });
    app.get(
      "/alerts",
      {
        schema: {
          summary: "Alerts and what became of them",
          tags: ["alerts"],
          querystring: AlertQuery,
          response: { 200: listOf(AlertView) },
        },
      },
      async ({ query }) => {
        const { status, outcome, service, cursor, limit } = query;
        return listAnswer(
          await listAlerts(sql, {
            limit,
            ...(status === undefined ? {} : { status }),
            ...(outcome === undefined ? {} : { outcome }),
            ...(service === undefined ? {} : { service }),
            ...(cursor === undefined ? {} : { after: decodeCursor(cursor) }),
          }),
        );
      },
    );
  };
