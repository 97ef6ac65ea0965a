import { openEventStream } from "@tocsin/http";
import { AppError, type Queryable } from "@tocsin/runtime";
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import type { LiveStream } from "../live-stream.ts";
import { incidentUnknown } from "./incidents.ts";

/** Streams open at once in one process; more are refused, so that open streams cannot use up the memory. */
const MAX_STREAMS = 5_000;

/** What happens, live: `thought`, `action`, `incident`. Resumes after `Last-Event-ID`. */
export const streamRoutes =
  (live: LiveStream, sql: Queryable): FastifyPluginAsync =>
  async (app) => {
    async function serve(request: FastifyRequest, reply: FastifyReply, incidentId: string | undefined): Promise<void> {
      if (live.subscribers >= MAX_STREAMS) throw new AppError("STREAM_OVERLOADED", `${MAX_STREAMS} streams are open already`);
      const asked = request.headers["last-event-id"] ?? (request.query as { lastEventId?: unknown }).lastEventId;
      const isPlace = typeof asked === "string" && /^\d{1,15}$/.test(asked);
      // Without a place to go on from, an incident's stream tells everything, and the common one what comes.
      const afterSeq = isPlace ? Number(asked) : incidentId === undefined ? await live.now() : 0;
      const stream = openEventStream(request, reply);
      const unsubscribe = live.subscribe({ afterSeq, ...(incidentId === undefined ? {} : { incidentId }) }, ({ seq, event, data }) =>
        stream.send({ id: String(seq), event, data }),
      );
      stream.signal.addEventListener("abort", unsubscribe, { once: true });
    }

    app.get("/stream", { schema: { summary: "Everything that happens, live (server-sent events)", tags: ["stream"] } }, (request, reply) =>
      serve(request, reply, undefined),
    );
    app.get<{ Params: { id: string } }>(
      "/incidents/:id/stream",
      { schema: { summary: "One incident, live, from its first event (server-sent events)", tags: ["stream"] } },
      async (request, reply) => {
        const { id } = request.params;
        const { rowCount } = await sql.query("SELECT 1 FROM incidents WHERE id = $1", [id]);
        if (rowCount === 0) throw incidentUnknown(id);
        await serve(request, reply, id);
      },
    );
  };
