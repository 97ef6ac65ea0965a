import { isTerminal } from "@tocsin/incident";
import { type Clock, digestOf, isoTime, type Queryable } from "@tocsin/runtime";
import { appendJournal, requestCorrelation, type Store } from "@tocsin/store";
import type { FastifyPluginAsync } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { groupingInvalid, incidentClosed } from "../errors.ts";
import { stateOf } from "./decisions.ts";

const Id = z.object({ id: z.string().max(200) });
const By = z.string().trim().min(1).max(200).default("console");
const Accepted = z.object({ id: z.string(), requested: z.literal(true) });

/** Merging and splitting. The correlator does it, since it alone holds what grouping is decided on; the event tells when it is done. */
export const groupingRoutes =
  (store: Store, clock: Clock): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    const live = async (tx: Queryable, id: string) => {
      if (isTerminal(await stateOf(tx, id))) throw incidentClosed(id);
    };

    const Merge = z.object({ into: z.string().min(1).max(200), by: By });
    app.post(
      "/incidents/:id/merge",
      {
        schema: {
          summary: "Put its alerts into another incident",
          tags: ["incidents"],
          params: Id,
          body: Merge,
          response: { 202: Accepted },
        },
      },
      async ({ params, body }, reply) => {
        if (params.id === body.into) throw groupingInvalid("an incident cannot be merged into itself");
        const wish = { kind: "merge", intoId: body.into, fromId: params.id, by: body.by } as const;
        const id = digestOf(wish);
        await store.sql.transaction(async (tx) => {
          for (const each of [params.id, body.into].sort()) await live(tx, each);
          await requestCorrelation(tx, store.jobs, { ...wish, id });
          await appendJournal(tx, {
            at: isoTime(clock.now()),
            actor: body.by,
            action: "incident.merge",
            subject: params.id,
            body: { into: body.into },
          });
        });
        return reply.code(202).send({ id: params.id, requested: true });
      },
    );

    const Split = z.object({
      fingerprints: z
        .array(z.string().regex(/^[0-9a-f]{16}$/))
        .min(1)
        .max(500),
      by: By,
    });
    app.post(
      "/incidents/:id/split",
      {
        schema: {
          summary: "Take alerts out into an incident of their own",
          tags: ["incidents"],
          params: Id,
          body: Split,
          response: { 202: Accepted },
        },
      },
      async ({ params, body }, reply) => {
        const fingerprints = [...new Set(body.fingerprints)].sort();
        const wish = { kind: "split", incidentId: params.id, fingerprints: fingerprints.join(","), by: body.by } as const;
        const id = digestOf(wish);
        await store.sql.transaction(async (tx) => {
          await live(tx, params.id);
          const { rows } = await tx.query<{ fingerprint: string }>("SELECT fingerprint FROM incident_members WHERE incident_id = $1", [
            params.id,
          ]);
          const members = new Set(rows.map((row) => row.fingerprint));
          if (!fingerprints.every((each) => members.has(each))) throw groupingInvalid("some of these alerts are not in the incident");
          if (fingerprints.length === members.size) throw groupingInvalid("some alert has to stay");
          await requestCorrelation(tx, store.jobs, { ...wish, id });
          await appendJournal(tx, {
            at: isoTime(clock.now()),
            actor: body.by,
            action: "incident.split",
            subject: params.id,
            body: { fingerprints },
          });
        });
        return reply.code(202).send({ id: params.id, requested: true });
      },
    );
  };
