import type { FastifyPluginAsync } from "fastify";
import * as z from "zod";
import { equalSecrets, SESSION_COOKIE, sessionOf } from "./auth.ts";
import { unauthenticated } from "./errors.ts";

const SignIn = z.object({ token: z.string().min(1).max(1_000) });

/** `POST` with the token sets the session cookie, which `EventSource` sends where it cannot send a header; `DELETE` takes it back. */
export const sessionRoutes =
  (apiToken: string): FastifyPluginAsync =>
  async (app) => {
    app.post("/", async (request, reply) => {
      if (!equalSecrets(SignIn.parse(request.body).token, apiToken)) throw unauthenticated();
      return reply
        .header("set-cookie", cookie(sessionOf(apiToken), 12 * 3600))
        .code(204)
        .send();
    });
    app.delete("/", async (_request, reply) => reply.header("set-cookie", cookie("", 0)).code(204).send());
  };

const cookie = (value: string, maxAgeSeconds: number): string =>
  `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}`;
