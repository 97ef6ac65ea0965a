import { DryRunView } from "@tocsin/contracts";
import type { Sql } from "@tocsin/runtime";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import type { FactSources } from "./facts.ts";
import { foresee } from "./foresee.ts";

const Given = z
  .string()
  .max(400)
  .regex(/^[^=]+=/, "wants name=value");
const Query = z.object({
  incidentId: z.string().min(1).max(200),
  /** A run of this runbook for this incident: judged with its own parameters. */
  runId: z.string().min(1).max(200).optional(),
  /** `name=value` for each parameter that a person gives. */
  given: z.union([Given.transform((one) => [one]), z.array(Given).max(20)]).default([]),
});

/** The only thing that others may ask of the executor over HTTP. It reads. */
export const dryRunRoutes =
  (options: FactSources & { readonly sql: Sql }): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    app.get(
      "/runbooks/:id/dry-run",
      {
        schema: {
          summary: "What a runbook would do for an incident and what the policy says of it now, without doing anything",
          tags: ["runbooks"],
          params: z.object({ id: z.string().max(200) }),
          querystring: Query,
          response: { 200: DryRunView },
        },
      },
      ({ params, query: { incidentId, runId, given } }) =>
        foresee(options, {
          runbook: params.id,
          incidentId,
          ...(runId === undefined ? {} : { runId }),
          given: Object.fromEntries(given.map((pair) => pair.split(/=(.*)/s) as [string, string])),
        }),
    );
  };
