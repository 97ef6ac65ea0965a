import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { hostForbidden, originForbidden, unauthenticated } from "./errors.ts";

export const SESSION_COOKIE = "tocsin_session";
const LOOPBACK_NAMES = new Set(["127.0.0.1", "localhost", "[::1]"]);

export const isLoopback = (host: string): boolean => host === "127.0.0.1" || host === "localhost" || host === "::1";

/** Are the two secrets equal? Takes the same time wherever they differ, also in length. */
export function equalSecrets(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** What the session cookie holds for a token: derived from it, so that no session has to be stored, and of no use as the token. */
export const sessionOf = (token: string): string => createHmac("sha256", token).update("tocsin session v1").digest("base64url");

/**
 * A browser sends requests for any page that is open in it. So a request that changes something is refused when it comes from another
 * origin, and a loopback server answers only to loopback names, which defeats DNS rebinding.
 *
 * @throws AppError `HTTP_ORIGIN_FORBIDDEN`, `HTTP_HOST_FORBIDDEN`
 */
export function checkOrigin(request: FastifyRequest, boundToLoopback: boolean): void {
  const host = request.headers.host ?? "";
  if (boundToLoopback && !LOOPBACK_NAMES.has(host.replace(/:\d+$/, ""))) throw hostForbidden(host);
  const { origin } = request.headers;
  if (origin === undefined || request.method === "GET" || request.method === "HEAD") return;
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw originForbidden(origin);
}

/**
 * Lets a request to the API through when it carries the token or a session made from it.
 * @throws AppError `HTTP_UNAUTHENTICATED`
 */
export function checkToken(request: FastifyRequest, token: string): void {
  const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (bearer !== undefined && equalSecrets(bearer, token)) return;
  const session = new RegExp(`(?:^|;\\s*)${SESSION_COOKIE}=([^;]+)`).exec(request.headers.cookie ?? "")?.[1];
  if (session !== undefined && equalSecrets(session, sessionOf(token))) return;
  throw unauthenticated();
}
