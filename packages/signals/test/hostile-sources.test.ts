// Sources at their worst, each adapter against each: the answer says what is missing, in time, and memory stays where it was.
import type { ServerResponse } from "node:http";
import { silentLogger, systemClock } from "@tocsin/runtime";
import { afterEach, describe, expect, test } from "vitest";
import { openSignals } from "../src/open-signals.ts";
import type { Answer } from "../src/ports.ts";
import { json, type Loopback, loopback, type Responder, text } from "./lab-stand-in.ts";

const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function hostile(respond: Responder): Promise<Loopback> {
  const server = await loopback(respond);
  undo.push(() => server.close());
  return server;
}

const DEADLINE_MS = 400;
const asked = { deadlineMs: DEADLINE_MS };
const window = { from: Date.now() / 1_000 - 60, to: Date.now() / 1_000 };

type Ask = (url: string) => Promise<Answer<unknown>>;

async function open(url: string, which: "metricsUrl" | "logsUrl" | "tracesUrl" | "labUrl") {
  const signals = await openSignals({
    metricsUrl: "none:",
    logsUrl: which === "labUrl" ? "embedded:" : "none:",
    tracesUrl: "none:",
    labUrl: "",
    log: silentLogger,
    clock: systemClock,
    [which]: url,
  });
  undo.push(() => signals.close());
  return signals;
}

const ADAPTERS: Record<string, Ask> = {
  "Prometheus query": async (url) => (await open(url, "metricsUrl")).metrics.query("up", undefined, asked),
  "Prometheus signals": async (url) => (await open(url, "metricsUrl")).metrics.signals(["cart"], ["up"], window, 15, asked),
  "Loki lines": async (url) => (await open(url, "logsUrl")).logs.lines("cart", window, 10, asked),
  "Tempo spans": async (url) => (await open(url, "tracesUrl")).traces.notable("cart", window, 10, asked),
  "Tempo edges": async (url) => (await open(url, "tracesUrl")).traces.edges(window, asked),
  "lab logs": async (url) => (await open(url, "labUrl")).logs.lines("cart", window, 10, asked),
};

/** Sends until the other side has had enough. @returns how many bytes were sent, in the end */
function flood(response: ServerResponse, chunk: string, total: number): { sent: number } {
  const count = { sent: 0 };
  const more = () => {
    while (count.sent < total && !response.destroyed) {
      count.sent += chunk.length;
      if (!response.write(chunk)) return;
    }
    if (!response.destroyed) response.end();
  };
  response.on("drain", more);
  more();
  return count;
}

const BEHAVIOURS: readonly (readonly [name: string, respond: Responder, code: RegExp])[] = [
  ["500 with plain text", (_, response) => text(response, "boom", 500), /_FAILED: .*answered 500/],
  ["429", (_, response) => text(response, "too many outstanding requests", 429), /_FAILED: .*answered 429/],
  ["504 with HTML", (_, response) => text(response, "<html>gateway</html>", 504), /_FAILED: .*answered 504/],
  ["200 with HTML", (_, response) => text(response, "<!doctype html><title>Sign in</title>"), /SOURCE_GARBLED: .*HTML/],
  ["200 with nothing", (_, response) => text(response, ""), /SOURCE_GARBLED: .*nothing/],
  ["200 with half an answer", (_, response) => text(response, '{"status":"success","data":{"resu'), /SOURCE_GARBLED/],
  ["200 with another's JSON", (_, response) => json(response, ["hello"]), /SOURCE_GARBLED/],
  [
    "200 with data of the wrong shape",
    (_, response) => json(response, { status: "success", data: 7, traces: 7, series: 7, items: 7 }),
    /SOURCE_GARBLED/,
  ],
  ["a redirect to a login page", (_, response) => response.writeHead(302, { location: "/login" }).end(), /_FAILED: .*answered 302/],
  ["a connection that breaks", (_, response) => response.destroy(), /SOURCE_UNREACHABLE/],
  ["silence", () => {}, /SOURCE_DEADLINE/],
  [
    "a slow drip",
    (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const timer = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(timer));
    },
    /SOURCE_DEADLINE/,
  ],
];

describe.each(Object.entries(ADAPTERS))("%s", (_, ask) => {
  test.each(BEHAVIOURS)("is partial, and in time, at %s", async (_name, respond, code) => {
    const { url } = await hostile(respond);
    const startedAt = performance.now();
    const { value, partial } = await ask(url);
    expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS + 2_000);
    expect(value).toEqual([]);
    expect(partial.join("\n")).toMatch(code);
  });

  test("stops reading an answer of 200 MB at its cap", async () => {
    const total = 200 * 1024 * 1024;
    const floods: { sent: number }[] = [];
    const { url } = await hostile((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      floods.push(flood(response, `"${"x".repeat(65_534)}`, total));
    });
    const before = process.memoryUsage.rss();
    const { value, partial } = await ask(url);
    expect(value).toEqual([]);
    expect(partial.join("\n")).toMatch(/SOURCE_TOO_LARGE|SOURCE_DEADLINE/);
    for (const { sent } of floods) expect(sent).toBeLessThan(total / 4);
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024);
  });
});

describe("Prometheus values", () => {
  const envelope = (result: unknown, more: object = {}) => ({ status: "success", data: { resultType: "vector", result }, ...more });
  const query = async (body: unknown) => {
    const { url } = await hostile((_, response) => json(response, body));
    return (await open(url, "metricsUrl")).metrics.query("up", undefined, asked);
  };

  test("NaN and infinities are numbers", async () => {
    const values = ["NaN", "+Inf", "-Inf", "1e3"].map((value, i) => ({ metric: { i: String(i) }, value: [1, value] }));
    const { value } = await query(envelope(values));
    expect(value.map((series) => series.samples[0]?.[1])).toEqual([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1_000]);
  });

  test("nothing found is an answer, and not a partial one", async () => {
    expect(await query(envelope([]))).toEqual({ value: [], partial: [] });
  });

  test("what the server warns of, and native histograms left out, is said", async () => {
    const { value, partial } = await query(envelope([{ metric: {}, histogram: [1, {}] }], { warnings: ["a store is away"] }));
    expect(value).toEqual([]);
    expect(partial).toEqual(["PROM_WARNING: a store is away", expect.stringContaining("PROM_NATIVE_HISTOGRAMS: 1")]);
  });

  test("an error that is not the query's is partial and keeps the reason", async () => {
    const { url } = await hostile((_, response) =>
      json(response, { status: "error", errorType: "execution", error: "too many samples" }, 422),
    );
    const { partial } = await (await open(url, "metricsUrl")).metrics.query("up", undefined, asked);
    expect(partial).toEqual(["PROM_QUERY_FAILED: Prometheus answered 422 to: up (too many samples)"]);
  });
});

test("one source away leaves the others standing", async () => {
  const good = await hostile((_, response) =>
    json(response, { status: "success", data: { resultType: "vector", result: [{ metric: {}, value: [1, "1"] }] } }),
  );
  const bad = await hostile((_, response) => response.destroy());
  const signals = await openSignals({
    metricsUrl: good.url,
    logsUrl: bad.url,
    tracesUrl: bad.url,
    labUrl: "",
    log: silentLogger,
    clock: systemClock,
  });
  undo.push(() => signals.close());
  const [metrics, logs] = await Promise.all([signals.metrics.query("up"), signals.logs.lines("cart", window, 1)]);
  expect([metrics.value.length, metrics.partial.length, logs.value.length, logs.partial.length]).toEqual([1, 0, 0, 1]);
});

test("a caller that gives up is told so at once", async () => {
  const { url } = await hostile(() => {});
  const signals = await open(url, "metricsUrl");
  const { partial } = await signals.metrics.query("up", undefined, { signal: AbortSignal.timeout(50) });
  expect(partial.join()).toContain("SOURCE_CANCELLED");
});

test("credentials in a URL travel as a header and are in no message", async () => {
  const seen: (string | undefined)[] = [];
  const server = await hostile((request, response) => {
    seen.push(request.headers.authorization);
    text(response, "no", 500);
  });
  const signals = await open(server.url.replace("http://", "http://ops:s3cret@"), "metricsUrl");
  const { partial } = await signals.metrics.query("up");
  expect(seen).toEqual([`Basic ${Buffer.from("ops:s3cret").toString("base64")}`]);
  expect(partial.join()).not.toContain("s3cret");
});
