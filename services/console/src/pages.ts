import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fastifyStatic from "@fastify/static";
import type { FastifyPluginAsync, FastifyReply } from "fastify";

/** Where the bundle lies after `turbo run build`. */
export const BUNDLE_FOLDER = fileURLToPath(new URL("../dist", import.meta.url));

/** Nothing from another origin, no inline script, no frame around us: telemetry is text that anybody may have written. */
const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
};

/** The web console: files of the bundle, and its one page for every address that the page itself routes. */
export const pageRoutes =
  (folder: string): FastifyPluginAsync =>
  async (app) => {
    app.addHook("onSend", async (_request, reply) => {
      reply.headers(SECURITY_HEADERS);
    });
    const isBundled = existsSync(join(folder, "index.html"));
    if (isBundled)
      await app.register(fastifyStatic, { root: join(folder, "assets"), prefix: "/assets/", index: false, immutable: true, maxAge: "1y" });
    const page = async (_request: unknown, reply: FastifyReply) =>
      isBundled
        ? reply
            .header("cache-control", "no-cache")
            .type("text/html; charset=utf-8")
            .sendFile("index.html", folder, { immutable: false, maxAge: 0 })
        : reply
            .code(503)
            .type("text/plain; charset=utf-8")
            .send("The console is not bundled yet: `npm start` does it. The API is at /api/openapi.json.\n");
    app.get("/", { schema: { hide: true } }, page);
    app.get("/:page", { schema: { hide: true } }, page);
    app.get("/:page/*", { schema: { hide: true } }, page);
  };
