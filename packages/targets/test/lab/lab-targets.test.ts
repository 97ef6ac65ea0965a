import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { silentLogger } from "@tocsin/runtime";
import { freePort } from "@tocsin/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTargets, type TargetPort } from "../../src/index.ts";

const target = {
  id: "cart",
  managed: true,
  replicas: [{ id: "cart-1", state: "running", healthy: true, restarts: 2, startedAt: "2026-01-01T00:00:00.000Z" }],
  revision: "2",
  previousRevision: "1",
  labels: { "tocsin.service": "cart" },
};
const options = { operationId: "op-1", timeoutMs: 1_000 };

let server: Server;
let targets: TargetPort;
let requests: { method: string; url: string; body: unknown }[];
/** What the lab answers; a test changes it. */
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const json = (status: number, body: unknown) => (_: IncomingMessage, response: ServerResponse) =>
  void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

beforeEach(async () => {
  requests = [];
  server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    requests.push({ method: request.method ?? "", url: request.url ?? "", body: text === "" ? undefined : JSON.parse(text) });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  targets = await openTargets({ url: "lab:", labUrl: `http://127.0.0.1:${port}/`, log: silentLogger });
});
afterEach(async () => {
  await targets.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("lists and gets targets", async () => {
  answer = json(200, { items: [target] });
  expect(await targets.list()).toEqual([target]);
  answer = json(200, target);
  expect(await targets.get("cart")).toEqual(target);
  expect(await targets.stats("cart")).toEqual({ replicas: 1, healthy: 1, restarts: 2 });
});

test("acts with the operation's id, so that the lab does it once", async () => {
  const result = { text: "done", before: target, after: { ...target, revision: "1" } };
  answer = json(200, result);
  expect(await targets.restart("cart", options)).toEqual(result);
  await targets.rollback("cart", { ...options, toRevision: "2" });
  await targets.rollback("cart", options);
  expect(requests).toEqual([
    { method: "POST", url: "/v1/services/cart/restart", body: options },
    { method: "POST", url: "/v1/services/cart/rollback", body: { ...options, toRevision: "2" } },
    { method: "POST", url: "/v1/services/cart/rollback", body: options },
  ]);
});

test("keeps a name inside its part of the address", async () => {
  answer = json(200, target);
  await targets.get("../faults?x=/y");
  expect(requests[0]?.url).toBe("/v1/services/..%2Ffaults%3Fx%3D%2Fy");
});

test.each([
  ["TARGET_UNKNOWN", 404, { known: ["cart"] }],
  ["TARGET_NO_PREVIOUS", 409, {}],
  ["TARGET_TIMEOUT", 504, {}],
  ["TARGET_UNSUPPORTED", 422, {}],
])("passes on the lab's own %s", async (code, status, more) => {
  answer = json(status, { code, detail: "in words", ...more });
  await expect(targets.restart("x", options)).rejects.toMatchObject({ code, message: "in words", details: more });
});

test.each([
  ["a failure of the lab", json(500, { code: "INTERNAL", detail: "broken" }), "TARGET_UNAVAILABLE", true],
  ["a page of a proxy", (_: unknown, response: ServerResponse) => void response.writeHead(502).end("<html>"), "TARGET_UNAVAILABLE", true],
  ["a refusal", json(400, { code: "LAB_BODY_INVALID", detail: "no" }), "TARGET_FAILED", false],
  ["a connection that breaks", (request: IncomingMessage) => void request.socket.destroy(), "TARGET_UNAVAILABLE", true],
] as const)("tells %s from others", async (_, behaviour, code, retryable) => {
  answer = behaviour;
  await expect(targets.get("cart")).rejects.toMatchObject({ code, retryable });
});

test("says that nobody is there", async () => {
  const away = await openTargets({ url: "lab:", labUrl: `http://127.0.0.1:${await freePort()}`, log: silentLogger });
  await expect(away.ping()).rejects.toMatchObject({ code: "TARGET_UNAVAILABLE", retryable: true });
});

test("gives up when its caller does", async () => {
  const caller = new AbortController();
  answer = () => caller.abort(new Error("red button"));
  await expect(targets.restart("cart", { ...options, signal: caller.signal })).rejects.toThrow("red button");
});

test("writes log lines with their time and level", async () => {
  answer = json(200, { items: [{ at: 1_767_225_600, service: "cart", level: "warn", message: "slow" }] });
  expect(await targets.logs("cart", { tail: 5 })).toBe("2026-01-01T00:00:00.000Z warn slow");
  expect(requests[0]?.url).toBe("/v1/logs?service=cart&from=0&limit=5");
});

test("runs no containers", async () => {
  const spec = { name: "x", image: "y", argv: ["z"], timeoutMs: 1, labels: {} };
  await expect(targets.runOneOff(spec)).rejects.toMatchObject({ code: "TARGET_UNSUPPORTED" });
});
