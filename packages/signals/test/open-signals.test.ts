import type { Change } from "@tocsin/contracts";
import { AppError, type Logger, silentLogger, systemClock } from "@tocsin/runtime";
import { eventually, freePort } from "@tocsin/testkit";
import { afterEach, describe, expect, test } from "vitest";
import { openSignals, type SignalsOptions } from "../src/open-signals.ts";
import { labStandIn } from "./lab-stand-in.ts";

const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function open(options: Partial<SignalsOptions>) {
  const signals = await openSignals({
    metricsUrl: "embedded:",
    logsUrl: "embedded:",
    tracesUrl: "embedded:",
    labUrl: "",
    log: silentLogger,
    clock: systemClock,
    scrapeIntervalMs: 100,
    ...options,
  });
  undo.push(() => signals.close());
  return signals;
}

async function lab(metrics: Record<string, string | undefined>) {
  const standIn = await labStandIn(metrics);
  undo.push(() => standIn.close());
  return standIn;
}

const nowWindow = (seconds = 10) => ({ from: Date.now() / 1_000 - seconds, to: Date.now() / 1_000 + 1 });

describe("embedded", () => {
  test("scrapes the lab and answers PromQL with job, service and instance on every series", async () => {
    const { url } = await lab({ payments: 'process_resident_memory_bytes 1000\nx{service="own",le="a\\"b"} 2\n' });
    const { metrics, stats } = await open({ labUrl: url });
    const series = await eventually("memory", async () => (await metrics.query("process_resident_memory_bytes")).value[0]);
    expect(series.labels).toEqual({ __name__: "process_resident_memory_bytes", job: "lab", service: "payments", instance: "payments" });
    expect(series.samples[0]?.[1]).toBe(1_000);
    expect(stats()).toMatchObject({ targets: 1, series: 5, refusedSeries: 0 });
    const [own] = (await metrics.query("x")).value;
    expect(own?.labels).toMatchObject({ service: "payments", exported_service: "own", le: 'a"b' });
  });

  test("answers up 0 for a service that does not answer, and 1 again when it does", async () => {
    const standIn = await lab({ cart: undefined });
    const { metrics } = await open({ labUrl: standIn.url });
    await eventually("down", async () => ((await metrics.current("cart", "up")).value === 0 ? true : undefined));
    standIn.state.metrics["cart"] = "a 1\n";
    await eventually("up", async () => ((await metrics.current("cart", "up")).value === 1 ? true : undefined));
  });

  test("a series that is no longer exposed is gone at the next scrape, not five minutes later", async () => {
    const standIn = await lab({ cart: "a 1\nb 2\n" });
    const { metrics } = await open({ labUrl: standIn.url });
    await eventually("b", async () => (await metrics.query("b")).value[0]);
    standIn.state.metrics["cart"] = "a 1\n";
    await eventually("b ended", async () => ((await metrics.query("b")).value.length === 0 ? true : undefined));
    expect((await metrics.query("a")).value).toHaveLength(1);
  });

  test("gives the semantic signals of the lab's metric names", async () => {
    const standIn = await lab({});
    let requests = 100;
    const exposition = () => {
      requests += 10;
      return [
        `http_server_request_duration_seconds_bucket{method="GET",route="/",status_code="200",le="0.1"} ${requests}`,
        `http_server_request_duration_seconds_bucket{method="GET",route="/",status_code="200",le="+Inf"} ${requests}`,
        `http_server_request_duration_seconds_count{method="GET",route="/",status_code="200"} ${requests}`,
        `http_server_request_duration_seconds_count{method="GET",route="/",status_code="500"} ${requests / 2}`,
        `process_cpu_seconds_total ${requests / 10}`,
        "process_resident_memory_bytes 5000",
        "process_start_time_seconds 1000",
        "nodejs_eventloop_lag_p99_seconds 0.02",
        'pool_in_use{pool="db"} 8\npool_size{pool="db"} 10',
      ].join("\n");
    };
    Object.defineProperty(standIn.state.metrics, "payments", { enumerable: true, get: exposition });
    const { metrics } = await open({ labUrl: standIn.url });
    const found = await eventually("all signals", async () => {
      const names = [
        "up",
        "request_rate",
        "error_ratio",
        "latency_p95",
        "cpu",
        "memory",
        "restarts",
        "event_loop_lag",
        "saturation",
      ] as const;
      const { value } = await metrics.signals(["payments", "nobody"], names, nowWindow(), 1);
      return value.length === names.length ? new Map(value.map((s) => [s.signal, s])) : undefined;
    });
    const last = (signal: string) => found.get(signal as never)?.samples.at(-1)?.[1];
    expect(last("error_ratio")).toBeCloseTo(1 / 3, 5);
    expect(last("latency_p95")).toBeCloseTo(0.095, 5);
    expect(last("saturation")).toBe(0.8);
    expect(last("event_loop_lag")).toBe(0.02);
    expect(last("restarts")).toBe(0);
    expect(last("request_rate")).toBeGreaterThan(0);
    expect(found.get("memory")?.query).toBe('sum by (service) (process_resident_memory_bytes{service="payments"})');
    expect((await metrics.services()).value).toEqual(["payments"]);
  });

  test("throws a query that is none, whatever the state of the sources", async () => {
    const { metrics } = await open({ labUrl: `http://127.0.0.1:${await freePort()}` });
    await expect(metrics.query("rate(x[5m")).rejects.toSatisfy((e) => AppError.is(e, "PROMQL_SYNTAX"));
    await expect(metrics.query("holt_winters(x[5m], 1, 1)")).rejects.toSatisfy((e) => AppError.is(e, "PROMQL_UNSUPPORTED"));
  });
});

describe("the lab away", () => {
  test("everything answers empty and says so, and it is logged once", async () => {
    const warnings: string[] = [];
    const log: Logger = { ...silentLogger, warn: (_, message) => warnings.push(message) };
    const signals = await open({ labUrl: `http://127.0.0.1:${await freePort()}`, log });
    const window = nowWindow();
    const answers = await Promise.all([
      signals.metrics.query("up"),
      signals.logs.lines("payments", window, 10),
      signals.traces.edges(window),
      signals.traces.notable("payments", window, 10),
      signals.changes.between(window),
    ]);
    for (const { value, partial } of answers) {
      expect(value).toEqual([]);
      expect(partial.join()).toMatch(/SOURCE_UNREACHABLE|not asked/);
    }
    expect(await signals.topology.current()).toEqual({ services: [], edges: [] });
    expect(warnings).toEqual(["lab is away"]);
  });
});

describe("changes", () => {
  const change = (id: string, at: string): Change => ({ id, at, service: "cart", kind: "deployment", text: "v2" });

  test("merges those of the lab with those known elsewhere, once each, in time", async () => {
    const standIn = await lab({});
    standIn.state.changes = [change("b", "2026-01-01T00:00:02.000Z"), change("a", "2026-01-01T00:00:01.000Z")];
    const extraChanges = async () => [change("b", "2026-01-01T00:00:02.000Z"), change("c", "2026-01-01T00:00:00.000Z")];
    const { changes } = await open({ labUrl: standIn.url, extraChanges });
    const { value, partial } = await changes.between({ from: 0, to: 1 });
    expect(value.map((c) => c.id)).toEqual(["c", "a", "b"]);
    expect(partial).toEqual([]);
  });

  test("a store that fails takes only its own changes with it", async () => {
    const standIn = await lab({});
    standIn.state.changes = [change("a", "2026-01-01T00:00:01.000Z")];
    const extraChanges = () => Promise.reject(new Error("connection reset"));
    const { changes } = await open({ labUrl: standIn.url, extraChanges });
    const { value, partial } = await changes.between({ from: 0, to: 1 });
    expect(value).toHaveLength(1);
    expect(partial).toEqual(["SIGNALS_CHANGES_FAILED: connection reset"]);
  });
});

test("logs of the lab come redacted and in ascending time", async () => {
  const standIn = await lab({});
  standIn.state.logs = [
    { at: 2, service: "cart", level: "error", message: "cannot reach postgres://cart:hunter2@db/cart" },
    { at: 1, service: "cart", level: "odd", message: "hello" },
  ];
  const { logs } = await open({ labUrl: standIn.url });
  const { value } = await logs.lines("cart", { from: 0, to: 3 }, 10);
  expect(value).toEqual([
    { at: 1, service: "cart", level: "info", message: "hello" },
    { at: 2, service: "cart", level: "error", message: "cannot reach postgres://[redacted]@db/cart" },
  ]);
});

test("an edge that was never answered is counted from the caller's own metrics", async () => {
  const standIn = await lab({});
  let calls = 0;
  const exposition = () => {
    calls += 5;
    return `http_client_request_duration_seconds_count{peer_service="payments",status_code="error"} ${calls}\n`;
  };
  Object.defineProperty(standIn.state.metrics, "checkout", { enumerable: true, get: exposition });
  const { traces } = await open({ labUrl: standIn.url });
  const edge = await eventually("edge", async () => (await traces.edges(nowWindow())).value[0]);
  expect(edge).toMatchObject({ from: "checkout", to: "payments" });
  expect(edge.errors).toBe(edge.calls);
});

test("an unknown scheme is refused naming the known ones", async () => {
  await expect(open({ metricsUrl: "influx://x" })).rejects.toSatisfy(
    (e) => AppError.is(e, "SIGNALS_URL_UNKNOWN_SCHEME") && /embedded:.*http.*none:/.test(e.message),
  );
});

test("none: says that nothing is configured instead of giving silence for health", async () => {
  const { metrics, logs, traces } = await open({ metricsUrl: "none:", logsUrl: "none:", tracesUrl: "none:" });
  const window = nowWindow();
  for (const answer of [await metrics.query("up"), await logs.lines("a", window, 1), await traces.edges(window)])
    expect(answer.partial.join()).toContain("SIGNALS_NOT_CONFIGURED");
});
