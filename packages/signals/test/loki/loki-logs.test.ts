import { systemClock } from "@tocsin/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLokiLogs, type LokiOptions } from "../../src/loki/loki-logs.ts";
import { type LokiStandIn, lokiStandIn } from "./loki-stand-in.ts";

let loki: LokiStandIn;
beforeEach(async () => {
  loki = await lokiStandIn();
});
afterEach(() => loki.close());

const open = (options: Partial<LokiOptions> = {}) => createLokiLogs({ url: loki.url, clock: systemClock, ...options });
const ns = (seconds: number) => BigInt(Math.round(seconds * 1_000)) * 1_000_000n;
const line = (seconds: number, text: string) => [ns(seconds), text] as const;
const askedFor = (path: string) =>
  loki.asked.filter((url) => url.startsWith(`/loki/api/v1${path}`)).map((url) => new URL(url, "http://x").searchParams);

test("gives the newest lines of all streams of a service in ascending time, start inclusive, end exclusive", async () => {
  loki.state.streams = [
    { stream: { service_name: "cart", pod: "a" }, values: [line(9, "before"), line(10, "first"), line(12, "third")] },
    { stream: { service_name: "cart", pod: "b" }, values: [line(11, "second"), line(13, "at the end")] },
    { stream: { service_name: "other" }, values: [line(11, "not mine")] },
  ];
  const { value, partial } = await open().lines("cart", { from: 10, to: 13 }, 100);
  expect(value.map(({ at, message }) => [at, message])).toEqual([
    [10, "first"],
    [11, "second"],
    [12, "third"],
  ]);
  expect(partial).toEqual([]);
  expect((await open().lines("cart", { from: 10, to: 13 }, 2)).value.map(({ message }) => message)).toEqual(["second", "third"]);
});

test("asks for no more than a thousand lines, whatever the caller wants", async () => {
  loki.state.streams = [{ stream: { app: "cart" }, values: Array.from({ length: 2_000 }, (_, i) => line(10 + i / 1_000, `line ${i}`)) }];
  const { value } = await open().lines("cart", { from: 10, to: 20 }, 1_000_000);
  expect(value).toHaveLength(1_000);
  expect(value.at(-1)?.message).toBe("line 1999");
  expect(askedFor("/query_range").map((query) => query.get("limit"))).toEqual(["1000"]);
});

test("finds the label that names the service, and puts only allowed labels into a selector", async () => {
  loki.state.streams = [
    { stream: { secret_label: "cart", container: "cart", service_name: "unknown_service" }, values: [line(10, "hello")] },
  ];
  expect((await open().lines("cart", { from: 0, to: 20 }, 10)).value).toHaveLength(1);
  expect(askedFor("/query_range").map((query) => query.get("query"))).toEqual(['{container="cart"}']);
});

test("a service that logs under no allowed label is said to be unknown, not silent", async () => {
  loki.state.streams = [{ stream: { secret_label: "cart" }, values: [line(10, "hello")] }];
  expect(await open().lines("cart", { from: 0, to: 20 }, 10)).toEqual({
    value: [],
    partial: [expect.stringContaining("LOKI_SERVICE_UNKNOWN")],
  });
});

test("a service that starts to log is found at the next question", async () => {
  const logs = open();
  await logs.lines("cart", { from: 0, to: 20 }, 10);
  loki.state.streams = [{ stream: { app: "cart" }, values: [line(10, "hello")] }];
  expect((await logs.lines("cart", { from: 0, to: 20 }, 10)).value).toHaveLength(1);
});

test("a name with quotes and braces is a name", async () => {
  const service = 'a"} |= "x\\';
  loki.state.streams = [{ stream: { app: service }, values: [line(10, "mine")] }];
  expect((await open().lines(service, { from: 0, to: 20 }, 10)).value).toHaveLength(1);
});

test("asks for the cost first and shortens the window to what it may read, the newest kept", async () => {
  loki.state.streams = [{ stream: { app: "cart" }, values: [line(100, "old"), line(3_590, "new")] }];
  loki.state.bytesIn = (from, to) => Number(to - from) / 1e9;
  const { value, partial } = await open({ bytesBudget: 900 }).lines("cart", { from: 0, to: 3_600 }, 10);
  expect(value.map(({ message }) => message)).toEqual(["new"]);
  expect(partial).toEqual([expect.stringContaining("LOKI_WINDOW_SHORTENED: only the last 900 s")]);
  const paths = loki.asked.map((url) => new URL(url, "http://x").pathname);
  expect(paths.indexOf("/loki/api/v1/index/stats")).toBeLessThan(paths.indexOf("/loki/api/v1/query_range"));
});

test("reads nothing when a minute would already cost too much", async () => {
  loki.state.streams = [{ stream: { app: "cart" }, values: [line(3_590, "new")] }];
  loki.state.bytesIn = () => 2 ** 40;
  const { value, partial } = await open().lines("cart", { from: 0, to: 3_600 }, 10);
  expect([value, partial]).toEqual([[], [expect.stringContaining("LOKI_TOO_COSTLY")]]);
  expect(askedFor("/query_range")).toEqual([]);
});

test("a server without index stats is asked all the same", async () => {
  loki.state.streams = [{ stream: { app: "cart" }, values: [line(10, "hello")] }];
  loki.state.bytesIn = undefined;
  expect((await open().lines("cart", { from: 0, to: 20 }, 10)).value).toHaveLength(1);
});

test("names the tenant, and hands on the plain text of a refusal without one", async () => {
  loki.state.tenant = "team-a";
  loki.state.streams = [{ stream: { app: "cart" }, values: [line(10, "hello")] }];
  expect((await open({ tenant: "team-a" }).lines("cart", { from: 0, to: 20 }, 10)).value).toHaveLength(1);
  const { partial } = await open().lines("cart", { from: 0, to: 20 }, 10);
  expect(partial).toEqual([expect.stringMatching(/LOKI_QUERY_FAILED: Loki answered 401 .*no org id/)]);
});

test("secrets are gone before a line leaves the adapter", async () => {
  loki.state.streams = [{ stream: { app: "cart" }, values: [line(10, "password=hunter2 rejected")] }];
  expect((await open().lines("cart", { from: 0, to: 20 }, 10)).value[0]?.message).toBe("password=[redacted] rejected");
});

test("ping asks whether Loki is ready", async () => {
  await expect(open().ping()).resolves.toBeUndefined();
});

test("failures are picked out by the server, so that a busy service's chatter does not push them out", async () => {
  const chatter = Array.from({ length: 1_500 }, (_, i) => line(11 + i / 1_000, `GET /items/${i} 200`));
  loki.state.streams = [{ stream: { app: "cart" }, values: [line(10, "call to payments Timed out"), ...chatter] }];
  const window = { from: 0, to: 20 };
  expect((await open().lines("cart", window, 1_000)).value.map(({ message }) => message)).not.toContain("call to payments Timed out");
  expect((await open().failures?.("cart", window, 1_000))?.value.map(({ message }) => message)).toEqual(["call to payments Timed out"]);
  // What it would cost is asked first, here as well.
  expect(askedFor("/index/stats").length).toBeGreaterThan(1);
});

test("patterns are the server's where it has them", async () => {
  loki.state.streams = [{ stream: { app: "cart" }, values: [line(10, "hello")] }];
  const samples = [
    [10, 3],
    [20, "x"],
    [30, 5],
  ];
  loki.state.patterns = { status: "success", data: [{ pattern: "order <_> placed", samples }, { pattern: 7 }] };
  expect(await open().patterns?.("cart", { from: 0, to: 100 })).toEqual({
    value: [{ pattern: "order <_> placed", samples: [samples[0], samples[2]] }],
    partial: [],
  });
});

test("a server without patterns is asked once in a while only, and nothing is missing for it", async () => {
  loki.state.streams = [{ stream: { app: "cart" }, values: [line(10, "hello")] }];
  const logs = open();
  for (let i = 0; i < 3; i++) expect(await logs.patterns?.("cart", { from: 0, to: 20 })).toEqual({ value: undefined, partial: [] });
  expect(askedFor("/patterns")).toHaveLength(1);
});

test("patterns that are none are garbled, not believed", async () => {
  loki.state.streams = [{ stream: { app: "cart" }, values: [line(10, "hello")] }];
  loki.state.patterns = "<html>";
  expect((await open().patterns?.("cart", { from: 0, to: 20 }))?.partial).toEqual([expect.stringContaining("SOURCE_GARBLED")]);
});
