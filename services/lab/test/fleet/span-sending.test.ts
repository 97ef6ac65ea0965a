import { createServer, type Server } from "node:http";
import { eventually } from "@tocsin/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSender } from "../../src/fleet/span-sending.ts";
import { type TestLab, testLab } from "../lab-client.ts";

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}
interface Received {
  readonly service: string | undefined;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: readonly Attribute[];
}

/** A collector's OTLP/HTTP port. */
let collector: Server;
let lab: TestLab;
const received: Received[] = [];

beforeAll(async () => {
  collector = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { resourceSpans } = JSON.parse(Buffer.concat(parts).toString());
      for (const { resource, scopeSpans } of resourceSpans) {
        const service = (resource.attributes as Attribute[]).find(({ key }) => key === "service.name")?.value.stringValue;
        for (const { spans } of scopeSpans) for (const span of spans) received.push({ service, ...span });
      }
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const { port } = collector.address() as { port: number };
  lab = await testLab(["catalog", "inventory"], { otlpEndpoint: `http://127.0.0.1:${port}` });
});
afterAll(async () => {
  await lab.stop();
  collector.close();
});

test("a request through two services arrives as one trace of three spans, each under its own service", async () => {
  expect(await lab.visit("catalog", "GET", "/product")).toBe(200);
  const [server, client, callee] = await eventually("three spans", async () => {
    const roots = received.filter(({ service, kind }) => service === "catalog" && kind === 2);
    const root = roots.find(({ parentSpanId }) => !parentSpanId);
    const call = received.find(({ kind, parentSpanId }) => kind === 3 && parentSpanId === root?.spanId);
    const answer = received.find(({ service, parentSpanId }) => service === "inventory" && parentSpanId === call?.spanId);
    return root && call && answer ? [root, call, answer] : undefined;
  });
  expect(new Set([server, client, callee].map((span) => span?.traceId)).size).toBe(1);
  expect(client).toMatchObject({ service: "catalog", attributes: [{ key: "peer.service", value: { stringValue: "inventory" } }] });
  expect(callee?.kind).toBe(2);
});

test("the supervisor keeps them as well", async () => {
  const { body } = await lab.call("GET", "/v1/spans?service=inventory");
  expect(body.items.length).toBeGreaterThan(0);
});

test("a service that is stopped has sent what it had", async () => {
  const before = received.length;
  await lab.visit("inventory", "GET", "/stock");
  await lab.act("inventory", "stop");
  await eventually("its last span", async () => (received.length > before ? true : undefined));
});

test.each([[{}], [{ OTEL_EXPORTER_OTLP_ENDPOINT: "" }], [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318", OTEL_SDK_DISABLED: "true" }]])(
  "with %j nothing is sent",
  async (env) => {
    expect(await openSender(env, { name: "cart", version: "1" })).toBeUndefined();
  },
);
