import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";

/** Pure: a weak tag of the text, as `If-None-Match` gives it back. */
const etagOf = (payload: string): string => `W/"${createHash("sha1").update(payload).digest("base64url")}"`;

/**
 * An `onSend` hook: a page that asks again for what it has gets 304 and no body. It saves what travels and what the browser parses; the
 * answer is still made, since only the store knows whether it changed.
 */
export async function answerNotModified(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
  if (request.method !== "GET" || reply.statusCode !== 200 || typeof payload !== "string") return payload;
  const etag = etagOf(payload);
  reply.header("etag", etag).header("cache-control", "private, no-cache");
  if (!(request.headers["if-none-match"] ?? "").split(/,\s*/).includes(etag)) return payload;
  reply.code(304).removeHeader("content-type");
  return "";
}
