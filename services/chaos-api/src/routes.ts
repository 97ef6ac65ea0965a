import { DrillRequest } from "@tocsin/contracts";
import type { Queryable } from "@tocsin/runtime";
import { findDrill, listDrills } from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import type { Drills } from "./drills.ts";
import { drillUnknown } from "./errors.ts";
import type { LabFaults } from "./lab-faults.ts";

const ListQuery = z.object({ limit: z.coerce.number().int().min(1).max(200).default(50), cursor: z.string().max(500).optional() });
const Id = z.object({ id: z.string().max(200) });
const tags = ["drills"];

export const drillRoutes =
  (drills: Drills, lab: LabFaults, sql: Queryable): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();

    app.get("/faults", { schema: { summary: "What a drill can break", tags } }, async () => ({ items: await lab.list(), next: null }));

    app.post(
      "/drills",
      { schema: { summary: "Break a service on purpose and watch what is made of it", tags, body: DrillRequest } },
      async ({ body }, reply) => {
        const drill = await drills.begin(body);
        return reply.code(201).header("location", `/api/v1/drills/${drill.id}`).send(drill);
      },
    );

    app.get("/drills", { schema: { summary: "Drills, the latest first", tags, querystring: ListQuery } }, async ({ query }) => {
      const { limit, cursor } = query;
      const page = await listDrills(sql, { limit, ...(cursor === undefined ? {} : { after: decodeCursor(cursor) }) });
      return { items: page.items, next: page.next ? encodeCursor(page.next) : null };
    });

    app.get("/drills/:id", { schema: { summary: "One drill: its marks and its score", tags, params: Id } }, async ({ params }) => {
      const drill = await findDrill(sql, params.id);
      if (!drill) throw drillUnknown(params.id);
      return drill;
    });
  };
