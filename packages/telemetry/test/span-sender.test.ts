import { createServer, type IncomingHttpHeaders } from "node:http";
import { afterEach, expect, test } from "vitest";
import { openSpanSender, sendsTraces } from "../src/span-sender.ts";

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0)) step();
});

/** A collector's OTLP/HTTP port: what was posted to it, and how. The exporter reads the variables of the process itself. */
async function collector(status = 200) {
  const posts: { path: string | undefined; headers: IncomingHttpHeaders; body: { resourceSpans: readonly Record<string, never>[] } }[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      posts.push({ path: request.url, headers: request.headers, body: JSON.parse(Buffer.concat(parts).toString()) });
      response.writeHead(status, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  undo.push(() => {
    delete process.env["OTEL_EXPORTER_OTLP_ENDPOINT"];
    server.close();
    server.closeAllConnections();
  });
  return posts;
}

const traceId = "0af7651916cd43dd8448eb211c80319c";
const call = {
  traceId,
  spanId: "b7ad6b7169203331",
  parentSpanId: "00f067aa0ba902b7",
  name: "POST payments/charges",
  kind: "client",
  peer: "payments",
  startAt: 1_763_700_000.25,
  durationMs: 1_500.5,
  error: true,
} as const;

test("a span arrives as OTLP with its own ids, kind, times and status, under the name of its service", async () => {
  const posts = await collector();
  const sender = await openSpanSender({ name: "checkout", version: "2.8.0" });
  sender.send(call);
  const { peer: _none, ...served } = call;
  sender.send({ ...served, spanId: "c7ad6b7169203331", kind: "server", name: "POST /checkout", error: false });
  await sender.stop();
  expect(posts).toHaveLength(1);
  expect(posts[0]).toMatchObject({ path: "/v1/traces", headers: { "content-type": "application/json" } });
  expect(posts[0]?.body).toMatchObject({
    resourceSpans: [
      {
        resource: {
          attributes: [
            { key: "service.name", value: { stringValue: "checkout" } },
            { key: "service.version", value: { stringValue: "2.8.0" } },
          ],
        },
        scopeSpans: [
          {
            spans: [
              {
                traceId,
                spanId: call.spanId,
                parentSpanId: call.parentSpanId,
                name: call.name,
                kind: 3,
                startTimeUnixNano: "1763700000250000000",
                endTimeUnixNano: "1763700001750500000",
                status: { code: 2 },
                attributes: [{ key: "peer.service", value: { stringValue: "payments" } }],
              },
              { kind: 2, name: "POST /checkout", status: { code: 0 }, attributes: [] },
            ],
          },
        ],
      },
    ],
  });
});

test("more than the buffer holds is dropped rather than kept", async () => {
  const posts = await collector();
  const sender = await openSpanSender({ name: "checkout", version: "1" });
  for (let n = 0; n < 10_000; n++) sender.send(call);
  await sender.stop();
  const received = posts.flatMap(({ body }) => body.resourceSpans as unknown as { scopeSpans: { spans: unknown[] }[] }[]);
  const count = received.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)).length;
  expect(count).toBeGreaterThan(0);
  expect(count).toBeLessThanOrEqual(2_048 + 512);
});

test("a collector that refuses them is no error of the sender's", async () => {
  await collector(400);
  const sender = await openSpanSender({ name: "checkout", version: "1" });
  sender.send(call);
  await expect(sender.stop()).resolves.toBeUndefined();
});

test.each([
  [{}, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "" }, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:4318/v1/traces" }, true],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318", OTEL_SDK_DISABLED: "true" }, false],
])("%j sends: %s", (env, expected) => {
  expect(sendsTraces(env)).toBe(expected);
});
