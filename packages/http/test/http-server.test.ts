import { once } from "node:events";
import { connect } from "node:net";
import { AppError, silentLogger } from "@tocsin/runtime";
import { Registry } from "prom-client";
import { afterEach, expect, test } from "vitest";
import * as z from "zod";
import { createHttpServer, type HttpServerOptions, type RunningHttpServer } from "../src/create-http-server.ts";
import { type EventStream, openEventStream } from "../src/event-stream.ts";

const open: RunningHttpServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});
function serverWith(options: Partial<HttpServerOptions> = {}): RunningHttpServer {
  const server = createHttpServer({
    host: "127.0.0.1",
    port: 0,
    log: silentLogger,
    registry: new Registry(),
    version: "0.0.0",
    ...options,
  });
  open.push(server);
  return server;
}

test("every error is a problem document with a stable code", async () => {
  const server = serverWith();
  await server.mount("/api", async (app) => {
    app.get("/unknown", async () => {
      throw new AppError("FAULT_UNKNOWN", "no such fault", { details: { known: ["hang"] } });
    });
    app.get("/bug", async () => {
      throw new TypeError("secret inside");
    });
    app.post("/parsed", async (request) => z.object({ n: z.number() }).parse(request.body));
  });
  await server.listen();
  const get = async (path: string, init?: RequestInit) => {
    const answer = await fetch(server.address + path, init);
    return { status: answer.status, type: answer.headers.get("content-type"), body: (await answer.json()) as Record<string, unknown> };
  };
  expect(await get("/api/unknown")).toMatchObject({
    status: 404,
    type: "application/problem+json; charset=utf-8",
    body: { code: "FAULT_UNKNOWN", known: ["hang"] },
  });
  const bug = await get("/api/bug");
  expect(bug).toMatchObject({ status: 500, body: { code: "INTERNAL_ERROR" } });
  expect(JSON.stringify(bug)).not.toContain("secret inside");
  expect(await get("/api/nowhere")).toMatchObject({ status: 404, body: { code: "HTTP_ROUTE_NOT_FOUND" } });
  const post = (body: string) => get("/api/parsed", { method: "POST", headers: { "content-type": "application/json" }, body });
  expect(await post("{")).toMatchObject({ status: 400, body: { code: "REQUEST_INVALID" } });
  expect(await post('{"n":"x"}')).toMatchObject({ status: 400, body: { code: "REQUEST_INVALID", errors: [{ path: "n" }] } });
});

test("readiness names what is not up, and only what is required makes it fail", async () => {
  const server = serverWith();
  server.addCheck("store", async () => {});
  server.addCheck("cache", () => Promise.reject(new Error("refused")), { required: false });
  await server.listen();
  const ready = await fetch(`${server.address}/readyz`);
  expect(ready.status).toBe(200);
  expect(await ready.json()).toMatchObject({ ready: true, checks: { cache: { up: false, error: "refused" }, store: { up: true } } });
  server.addCheck("bus", () => Promise.reject(new Error("no broker")));
  expect((await fetch(`${server.address}/readyz`)).status).toBe(503);
  server.drain();
  expect(await (await fetch(`${server.address}/readyz`)).json()).toMatchObject({ checks: { process: { error: "stopping" } } });
  expect((await fetch(`${server.address}/livez`)).status).toBe(200);
  expect(await (await fetch(`${server.address}/metrics`)).text()).toContain("tocsin_http_request_duration_seconds");
});

test("a page of another origin changes nothing, and a loopback server answers to no other name", async () => {
  const server = serverWith();
  await server.mount("/api", async (app) => void app.post("/act", async () => ({ done: true })));
  await server.listen();
  const act = (headers: Record<string, string>) =>
    server.fastify.inject({ method: "POST", url: "/api/act", headers: { host: "localhost:8080", ...headers } });
  expect((await act({})).statusCode).toBe(200);
  expect((await act({ origin: "http://localhost:8080" })).statusCode).toBe(200);
  expect((await act({ origin: "https://evil.example" })).json()).toMatchObject({ status: 403, code: "HTTP_ORIGIN_FORBIDDEN" });
  expect((await act({ origin: "null" })).statusCode).toBe(403);
  expect((await act({ host: "rebound.example" })).json()).toMatchObject({ status: 403, code: "HTTP_HOST_FORBIDDEN" });
});

test("refuses to be reachable without a token, and asks for it where one is set", async () => {
  expect(() => serverWith({ host: "0.0.0.0" })).toThrow(expect.objectContaining({ code: "HTTP_OPEN_WITHOUT_AUTH" }));
  const token = "0123456789abcdef";
  const server = serverWith({ apiToken: token });
  await server.mount("/api/v1/things", async (app) => void app.get("/", async () => ({ items: [] })));
  await server.listen();
  const url = `${server.address}/api/v1/things/`;
  expect((await fetch(url)).status).toBe(401);
  expect((await fetch(url, { headers: { authorization: "Bearer wrong" } })).status).toBe(401);
  expect((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  const signIn = (given: string) =>
    fetch(`${server.address}/api/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token: given }),
    });
  expect((await signIn("wrong")).status).toBe(401);
  const cookie = (await signIn(token)).headers.get("set-cookie") ?? "";
  expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
  expect(cookie).not.toContain(token);
  expect((await fetch(url, { headers: { cookie: cookie.split(";")[0] as string } })).status).toBe(200);
  expect((await fetch(`${server.address}/livez`)).status).toBe(200);
});

test("a taken port is one clear line", async () => {
  const first = serverWith();
  await first.listen();
  const second = serverWith({ port: Number(new URL(first.address).port) });
  await expect(second.listen()).rejects.toMatchObject({ code: "HTTP_PORT_TAKEN", message: expect.stringContaining("TOCSIN_PORT") });
});

test("describes its routes as OpenAPI", async () => {
  const server = serverWith();
  await server.mount("/api/v1", async (app) => {
    app.get(
      "/things/:id",
      { schema: { params: z.object({ id: z.string() }), querystring: z.object({ limit: z.coerce.number().max(5).default(3) }) } },
      async (request) => request.query,
    );
  });
  await server.listen();
  expect(await (await fetch(`${server.address}/api/v1/things/1`)).json()).toEqual({ limit: 3 });
  expect(await (await fetch(`${server.address}/api/v1/things/1?limit=9`)).json()).toMatchObject({ code: "REQUEST_INVALID" });
  const document = (await (await fetch(`${server.address}/api/openapi.json`)).json()) as {
    openapi: string;
    paths: Record<string, unknown>;
  };
  expect(document.openapi).toBe("3.1.0");
  expect(Object.keys(document.paths)).toContain("/api/v1/things/{id}");
});

test("a client that does not read its stream is dropped when its buffer is full", async () => {
  const server = serverWith();
  const opened = Promise.withResolvers<EventStream>();
  await server.mount("/api", async (app) => {
    app.get("/stream", (request, reply) => opened.resolve(openEventStream(request, reply, { maxBufferedBytes: 64 * 1024 })));
  });
  await server.listen();
  const socket = connect(Number(new URL(server.address).port), "127.0.0.1");
  socket.pause();
  socket.write("GET /api/stream HTTP/1.1\r\nhost: localhost\r\nlast-event-id: 41\r\n\r\n");
  const stream = await opened.promise;
  expect(stream.lastEventId).toBe("41");
  const dropped = once(stream.signal, "abort");
  const data = { text: "x".repeat(16 * 1024) };
  let sent = 0;
  while (sent < 5_000 && stream.send({ id: String(sent), event: "thought", data })) {
    sent++;
    if (sent % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await dropped;
  expect(sent).toBeLessThan(5_000);
  expect(stream.send({ id: "late", event: "thought", data })).toBe(false);
  socket.destroy();
});
