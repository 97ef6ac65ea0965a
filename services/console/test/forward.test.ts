import { once } from "node:events";
import { createHttpServer, type RunningHttpServer } from "@tocsin/http";
import { silentLogger } from "@tocsin/runtime";
import { eventually, fakeClock, freePort } from "@tocsin/testkit";
import type { FastifyPluginAsync } from "fastify";
import { Registry } from "prom-client";
import { afterEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { checkUpstream, describeForwarded, forwardRoutes, originPicker } from "../src/forward.ts";
import { isForwarded, UpstreamsText } from "../src/forward-table.ts";

const TOKEN = "a-token-of-sixteen";
const running: RunningHttpServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0).reverse()) await server.close();
});

async function serve(port: number, mount: (server: RunningHttpServer) => Promise<unknown>, apiToken?: string): Promise<RunningHttpServer> {
  const server = createHttpServer({
    host: "127.0.0.1",
    port,
    log: silentLogger,
    registry: new Registry(),
    version: "1",
    ...(apiToken === undefined ? {} : { apiToken }),
  });
  await mount(server);
  await server.listen();
  running.push(server);
  return server;
}

const rawRoutes: FastifyPluginAsync = async (raw) => {
  raw.removeAllContentTypeParsers();
  raw.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  raw.post("/webhooks/alertmanager", async (request, reply) =>
    reply.code(202).send({ bytes: (request.body as Buffer).toString("hex"), type: request.headers["content-type"] }),
  );
};

/** A correlator and a bridge as far as the way to them goes. */
const upstream = (port = 0, name = "first", token?: string) =>
  serve(
    port,
    (server) =>
      server.mount("", async (app) => {
        app.get("/api/v1/storm", { schema: { summary: "Is there a storm?" } }, async (request) => ({
          name,
          query: request.query,
          host: request.headers.host,
        }));
        app.get("/api/v1/private", async () => ({}));
        app.post("/api/v1/silences", async (request, reply) => reply.code(201).send({ got: request.body }));
        await app.register(rawRoutes);
      }),
    token,
  );

const front = (text: string, token?: string) =>
  serve(
    0,
    async (server) => {
      const upstreams = UpstreamsText.parse(text);
      await server.mount("", forwardRoutes({ upstreams, clock: { now: Date.now, sleep: async () => {} }, log: silentLogger }));
      describeForwarded(server.fastify, upstreams);
    },
    token,
  );

test("a request reaches the service that answers it, with its query, and its answer comes back", async () => {
  const { address } = await upstream();
  const { address: here } = await front(`correlator=${address}`);
  const answer = await fetch(`${here}/api/v1/storm?a=1&b=x%20y`);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ name: "first", query: { a: "1", b: "x y" }, host: address.replace("http://", "") });
});

test("a change from the page is taken: its origin is checked here and not again", async () => {
  const { address } = await upstream();
  const { address: here } = await front(`correlator=${address}`);
  const post = (origin: string) =>
    fetch(`${here}/api/v1/silences`, {
      method: "POST",
      headers: { "content-type": "application/json", origin },
      body: JSON.stringify({ reason: "räumt auf" }),
    });
  const taken = await post(here);
  expect(taken.status).toBe(201);
  expect(await taken.json()).toEqual({ got: { reason: "räumt auf" } });
  expect((await post("http://evil.example")).status).toBe(403);
});

test("token and session cookie are asked for here and are good there", async () => {
  const { address } = await upstream(0, "first", TOKEN);
  const { address: here } = await front(`correlator=${address}`, TOKEN);
  expect((await fetch(`${here}/api/v1/storm`)).status).toBe(401);
  expect((await fetch(`${here}/api/v1/storm`, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
  const session = await fetch(`${here}/api/v1/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token: TOKEN }),
  });
  const cookie = session.headers.get("set-cookie")?.split(";")[0] ?? "";
  expect((await fetch(`${here}/api/v1/storm`, { headers: { cookie } })).status).toBe(200);
});

test("a delivery's bytes arrive as they were sent, whatever they are", async () => {
  const { address } = await upstream();
  const { address: here } = await front(`bridge=${address}`);
  const body = Buffer.from([0x7b, 0xff, 0x00, 0x0a, 0x22]);
  const answer = await fetch(`${here}/webhooks/alertmanager`, { method: "POST", headers: { "content-type": "application/json" }, body });
  expect(answer.status).toBe(202);
  expect(await answer.json()).toEqual({ bytes: body.toString("hex"), type: "application/json" });
});

test("a live stream arrives as it is written, and leaving it ends it there", async () => {
  const left = Promise.withResolvers<void>();
  const { address } = await serve(0, (server) =>
    server.mount("/api/v1", async (app) => {
      app.get("/incidents/:id/ask", (request, reply) => {
        reply.hijack();
        reply.raw.writeHead(200, { "content-type": "text/event-stream" });
        reply.raw.write(`id: 1\ndata: ${(request.params as { id: string }).id}\n\n`);
        reply.raw.once("close", () => left.resolve());
      });
    }),
  );
  const { address: here } = await front(`sre-agent=${address}`);
  const leaving = new AbortController();
  const answer = await fetch(`${here}/api/v1/incidents/i-7/ask`, { signal: leaving.signal });
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  expect(Buffer.from((await reader.read()).value as Uint8Array).toString()).toContain("data: i-7");
  leaving.abort();
  await left.promise;
});

describe("a service that is away", () => {
  test("is 503 with its name, and its check says where it was looked for", async () => {
    const gone = `http://127.0.0.1:${await freePort()}`;
    const { address: here } = await front(`correlator=${gone}`);
    const answer = await fetch(`${here}/api/v1/storm`);
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("2");
    expect(await answer.json()).toMatchObject({ code: "CONSOLE_UPSTREAM_UNAVAILABLE", service: "correlator" });
    await expect(checkUpstream([gone])).rejects.toThrow(gone);
  });

  test("is answered for by another replica when the request only reads, and passed over afterwards", async () => {
    const gone = `http://127.0.0.1:${await freePort()}`;
    const { address } = await upstream(0, "second");
    const { address: here } = await front(`correlator=${gone}|${address}`);
    for (let n = 0; n < 4; n++) expect(await (await fetch(`${here}/api/v1/storm`)).json()).toMatchObject({ name: "second" });
    const change = await fetch(`${here}/api/v1/silences`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    expect(change.status).toBe(201);
    await expect(checkUpstream([gone, address])).resolves.toBeUndefined();
  });

  test("is found again on its port", async () => {
    const port = await freePort();
    const { address: here } = await front(`correlator=http://127.0.0.1:${port}`);
    expect((await fetch(`${here}/api/v1/storm`)).status).toBe(503);
    await upstream(port, "back");
    await eventually("it answers", async () => ((await fetch(`${here}/api/v1/storm`)).ok ? true : undefined));
  });
});

test("only what belongs to another service is passed on, and no path climbs out of it", async () => {
  const { address } = await upstream();
  const { address: here } = await front(`correlator=${address},bridge=${address}`);
  expect((await fetch(`${here}/api/v1/private`)).status).toBe(404);
  const { port } = new URL(here);
  const { request } = await import("node:http");
  const asked = request({ port, path: "/webhooks/../api/v1/private" }).end();
  const [response] = (await once(asked, "response")) as [import("node:http").IncomingMessage];
  expect(response.resume().statusCode).toBe(404);
});

test("the description of the API has the paths of the others", async () => {
  const { address } = await upstream();
  const { address: here } = await front(`correlator=${address},bridge=http://127.0.0.1:${await freePort()}`);
  const { paths } = (await (await fetch(`${here}/api/openapi.json`)).json()) as { paths: Record<string, unknown> };
  expect(paths["/api/v1/storm"]).toMatchObject({ get: { summary: "Is there a storm?" } });
  expect(paths["/api/v1/private"]).toBeUndefined();
});

test("origins are asked in turn, and one that refused after all others", () => {
  const clock = fakeClock();
  const picker = originPicker(["a", "b", "c"], clock);
  expect(new Set([picker.pick(), picker.pick(), picker.pick()])).toEqual(new Set(["a", "b", "c"]));
  picker.refused("b");
  expect([picker.pick(), picker.pick(), picker.pick(), picker.pick()]).not.toContain("b");
  expect(picker.pick(new Set(["a", "c"]))).toBe("b");
});

test("the setting names what is wrong with it", () => {
  const said = (text: string) => z.prettifyError(UpstreamsText.safeParse(text).error as z.ZodError);
  expect(said("billing=http://a:1")).toMatch(/no service "billing".*known: bridge/);
  expect(said("bridge=http://a:1/path")).toMatch(/bridge wants origins/);
  expect(said("bridge")).toMatch(/bridge wants origins/);
  expect(UpstreamsText.parse(" bridge=http://a:1|https://b , ")).toEqual({ bridge: ["http://a:1", "https://b"] });
  expect(z.object({ u: UpstreamsText }).parse({})).toEqual({ u: {} });
});

test("patterns know one segment from many", () => {
  expect(isForwarded("chaos-api", "/api/v1/drills/{id}")).toBe(true);
  expect(isForwarded("sre-agent", "/api/v1/incidents/{id}/ask")).toBe(true);
  expect(isForwarded("sre-agent", "/api/v1/incidents/{id}")).toBe(false);
  expect(isForwarded("executor", "/api/v1/runbooks/{id}/dry-run")).toBe(true);
  expect(isForwarded("executor", "/api/v1/runbooks/{id}")).toBe(false);
  expect(isForwarded("correlator", "/api/v1/silences/a/b")).toBe(false);
  expect(isForwarded("bridge", "/api/v1/quarantine/")).toBe(true);
});
