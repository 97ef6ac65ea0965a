import swagger from "@fastify/swagger";
import { type Logger, messageOf } from "@tocsin/runtime";
import fastify, { type FastifyPluginAsync } from "fastify";
import { jsonSchemaTransform, validatorCompiler } from "fastify-type-provider-zod";
import { Histogram, type Registry } from "prom-client";
import { checkOrigin, checkToken, isLoopback } from "./auth.ts";
import { addressUnusable, openWithoutAuth, portTaken, routeNotFound } from "./errors.ts";
import { createHealth } from "./health.ts";
import type { HttpServer } from "./http-server.ts";
import { problemOf } from "./problem.ts";
import { sessionRoutes } from "./session.ts";

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  /** Asked of `/api/*` when set. */
  readonly apiToken?: string;
  readonly log: Logger;
  readonly registry: Registry;
  /** Of the product, for the API's description. */
  readonly version: string;
}

export interface RunningHttpServer extends HttpServer {
  /** @throws AppError `HTTP_PORT_TAKEN`, `HTTP_ADDRESS_UNUSABLE` */
  listen(): Promise<void>;
  /** `/readyz` answers 503 from now on, so that a load balancer sends nothing new. */
  drain(): void;
  close(): Promise<void>;
}

/**
 * The HTTP server of a process: problem documents for every error, `/livez`, `/readyz`, `/metrics`, an origin check, and a
 * token for the API when one is configured.
 *
 * @throws AppError `HTTP_OPEN_WITHOUT_AUTH` when it would be reachable from other machines without a token
 */
export function createHttpServer({ host, port, apiToken, log, registry, version }: HttpServerOptions): RunningHttpServer {
  const boundToLoopback = isLoopback(host);
  if (!boundToLoopback && apiToken === undefined) throw openWithoutAuth(host);

  const app = fastify({
    logger: false, // requests are counted, not logged: an alert storm must not become a log storm
    bodyLimit: 1024 * 1024,
    requestTimeout: 15_000, // against clients that send their body a byte at a time
    connectionTimeout: 0, // live streams stay open; a stalled one is dropped by its buffer
    keepAliveTimeout: 72_000, // longer than what proxies in front keep open
    forceCloseConnections: true, // live streams would hold up a stop for ever
    onProtoPoisoning: "remove",
    onConstructorPoisoning: "remove",
    routerOptions: { maxParamLength: 500 },
  });
  const duration = new Histogram({
    name: "tocsin_http_request_duration_seconds",
    help: "Time from a request's first byte to the end of its answer.",
    labelNames: ["method", "route", "status"],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  const health = createHealth();

  app.addHook("onRequest", async (request) => {
    checkOrigin(request, boundToLoopback);
    if (apiToken !== undefined && request.url.startsWith("/api/") && !request.url.startsWith("/api/v1/session"))
      checkToken(request, apiToken);
  });
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "unmatched";
    duration.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500) log.error({ err: error, requestId: request.id, url: request.url, code: problem.code }, "request failed");
    if (problem.status === 503) reply.header("retry-after", "2");
    return reply.code(problem.status).type("application/problem+json").send(problem);
  });
  app.setNotFoundHandler((request) => {
    throw routeNotFound(request.method, request.url.split("?")[0] ?? "");
  });

  // Every route of the process describes itself; the document is served where clients look for it.
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data)); // answers are built from checked values: nothing to check twice
  app.register(swagger, {
    openapi: { openapi: "3.1.0", info: { title: "Tocsin", version, description: "From alert to verified fix." } },
    transform: jsonSchemaTransform,
  });
  app.get("/api/openapi.json", { schema: { hide: true } }, async () => app.swagger());
  app.get("/livez", async () => ({ status: "alive" }));
  app.get("/readyz", async (_request, reply) => {
    const report = await health.report();
    return reply.code(report.ready ? 200 : 503).send(report);
  });
  app.get("/metrics", async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));
  if (apiToken !== undefined) app.register(sessionRoutes(apiToken), { prefix: "/api/v1/session" });

  let address = "";
  return {
    fastify: app,
    get address() {
      return address;
    },
    addCheck: health.add,
    drain: health.drain,
    async mount(prefix: string, routes: FastifyPluginAsync) {
      await app.register(routes, { prefix });
    },
    async listen() {
      try {
        await app.listen({ host, port });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") throw portTaken(host, port, error);
        if ((error as NodeJS.ErrnoException).syscall !== undefined) throw addressUnusable(host, port, error as Error);
        throw error;
      }
      const bound = app.server.address();
      const name = host.includes(":") ? `[${host}]` : host === "0.0.0.0" ? "127.0.0.1" : host;
      address = `http://${name}:${typeof bound === "object" && bound !== null ? bound.port : port}`;
    },
    async close() {
      try {
        await app.close();
      } catch (error) {
        log.warn({ err: error, reason: messageOf(error) }, "http close failed");
      }
    },
  };
}
