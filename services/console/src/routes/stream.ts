import { openEventStream } from "@tocsin/http";
import type { Queryable } from "@tocsin/runtime";
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import * as z from "zod";
import { incidentUnknown, streamOverloaded } from "../errors.ts";
import type { LiveStream, StreamItem } from "../live-stream.ts";

/** Streams open at once in one process; more are refused, so that open streams cannot use up the memory. */
const MAX_STREAMS = 5_000;
/** What may wait for one slow client, in bytes, before it is dropped; it comes back with `Last-Event-ID` and misses nothing. */
const MAX_BUFFERED_BYTES = 256 * 1024;

/** What happens, live: `thought`, `action`, `incident`. Resumes after `Last-Event-ID`. */
export const streamRoutes =
  (live: LiveStream, sql: Queryable): FastifyPluginAsync =>
  async (fastify) => {
    const app = fastify.withTypeProvider<ZodTypeProvider>();
    // The same array of items goes to every client that has caught up, so its bytes are made once.
    const encoded = new WeakMap<readonly StreamItem[], Uint8Array>();
    function bytesOf(items: readonly StreamItem[]): Uint8Array {
      let bytes = encoded.get(items);
      if (bytes === undefined) {
        bytes = Buffer.from(items.map(({ frame }) => frame).join(""));
        encoded.set(items, bytes);
      }
      return bytes;
    }

    async function serve(request: FastifyRequest, reply: FastifyReply, incidentId: string | undefined): Promise<void> {
      if (live.subscribers >= MAX_STREAMS) throw streamOverloaded(MAX_STREAMS);
      const asked = request.headers["last-event-id"] ?? (request.query as { lastEventId?: unknown }).lastEventId;
      const isPlace = typeof asked === "string" && /^\d{1,15}$/.test(asked);
      // Without a place to go on from, an incident's stream tells everything, and the common one what comes.
      const afterSeq = isPlace ? Number(asked) : incidentId === undefined ? await live.now() : 0;
      const stream = openEventStream(request, reply, { maxBufferedBytes: MAX_BUFFERED_BYTES });
      const unsubscribe = live.subscribe({ afterSeq, ...(incidentId === undefined ? {} : { incidentId }) }, (items) =>
        stream.sendRaw(bytesOf(items)),
      );
      stream.signal.addEventListener("abort", unsubscribe, { once: true });
      if (stream.signal.aborted) unsubscribe();
    }

    app.get("/stream", { schema: { summary: "Everything that happens, live (server-sent events)", tags: ["stream"] } }, (request, reply) =>
      serve(request, reply, undefined),
    );
    app.get(
      "/stream/position",
      {
        schema: {
          summary: "The id of the newest event: a client that opens the stream with it as `lastEventId` misses nothing from here on",
          tags: ["stream"],
          response: { 200: z.object({ id: z.string() }) },
        },
      },
      async () => ({ id: String(await live.now()) }),
    );
    app.get(
      "/incidents/:id/stream",
      {
        schema: {
          summary: "One incident, live, from its first event (server-sent events)",
          tags: ["stream"],
          params: z.object({ id: z.string().max(200) }),
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const { rowCount } = await sql.query("SELECT 1 FROM incidents WHERE id = $1", [id]);
        if (rowCount === 0) throw incidentUnknown(id);
        await serve(request, reply, id);
      },
    );
  };
