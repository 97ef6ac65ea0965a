import type { Queryable } from "@tocsin/runtime";
import { AppError } from "@tocsin/runtime";
import { listAlerts, listIncidents, viewIncident } from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { decodeCursor, ListQuery, listAnswer, manyOf } from "../cursor.ts";

export const incidentUnknown = (id: string) => new AppError("INCIDENT_UNKNOWN", `there is no incident ${id}`);

/** Reading incidents and alerts. */
export const incidentRoutes =
  (sql: Queryable): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    const IncidentQuery = z.object({ ...ListQuery, state: manyOf, severity: manyOf, service: z.string().max(500).optional() });
    app.get(
      "/incidents",
      { schema: { summary: "Incidents, the latest first", tags: ["incidents"], querystring: IncidentQuery } },
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

    const Id = z.object({ id: z.string().max(200) });
    app.get("/incidents/:id", { schema: { summary: "One incident in full", tags: ["incidents"], params: Id } }, async ({ params }) => {
      const incident = await viewIncident(sql, params.id);
      if (incident === undefined) throw incidentUnknown(params.id);
      return incident;
    });

    const AlertQuery = z.object({
      ...ListQuery,
      status: z.enum(["firing", "resolved"]).optional(),
      outcome: z.enum(["incident", "suppressed", "quarantined"]).optional(),
      service: z.string().max(500).optional(),
    });
    app.get(
      "/alerts",
      { schema: { summary: "Alerts and what became of them", tags: ["alerts"], querystring: AlertQuery } },
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
