import { AppError, silentLogger, systemClock } from "@tocsin/runtime";
import { eventually, lacks, PROMETHEUS_PROGRAMS, type RunningPrometheus, startPrometheus } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OpenedSignals, openSignals } from "../../src/open-signals.ts";
import { type LabStandIn, labStandIn } from "../lab-stand-in.ts";

/** What the catalogue's first candidates are called by. */
const exposition = (requests: number) =>
  [
    `http_server_request_duration_seconds_bucket{route="/",status_code="200",le="0.1"} ${requests}`,
    `http_server_request_duration_seconds_bucket{route="/",status_code="200",le="+Inf"} ${requests}`,
    `http_server_request_duration_seconds_count{route="/",status_code="200"} ${requests}`,
    "process_resident_memory_bytes 5000",
    "process_start_time_seconds 1000",
    'odd{a="b\\\\c\\"d\\ne"} NaN',
    "",
  ].join("\n");

describe.skipIf(lacks(...PROMETHEUS_PROGRAMS))("a real Prometheus and the embedded metrics over the same targets", () => {
  let lab: LabStandIn;
  let prometheus: RunningPrometheus;
  const both: OpenedSignals[] = [];

  beforeAll(async () => {
    let requests = 0;
    lab = await labStandIn({});
    const get = () => {
      requests += 7;
      return exposition(requests);
    };
    for (const service of ["cart", "payments"])
      Object.defineProperty(lab.state.metrics, service, { configurable: true, enumerable: true, get });
    prometheus = await startPrometheus({ jobs: [{ job: "lab", httpSdUrl: `${lab.url}/v1/scrape-targets` }] });
    for (const metricsUrl of [prometheus.url, "embedded:"])
      both.push(
        await openSignals({
          metricsUrl,
          logsUrl: "none:",
          tracesUrl: "none:",
          labUrl: lab.url,
          log: silentLogger,
          clock: systemClock,
          rateWindowSeconds: 20,
        }),
      );
  });
  afterAll(async () => {
    for (const signals of both) await signals.close();
    await prometheus?.stop();
    await lab?.close();
  });

  test("give the same signals of the same services, by the same queries", async () => {
    const names = ["up", "request_rate", "error_ratio", "latency_p95", "memory", "restarts"] as const;
    const found = [];
    for (const { metrics } of both) {
      found.push(
        await eventually(
          "all signals",
          async () => {
            const now = Date.now() / 1_000;
            const { value } = await metrics.signals(["cart", "payments"], names, { from: now - 10, to: now }, 1);
            return value.length === 2 * names.length && value.every((s) => s.samples.length > 3) ? value : undefined;
          },
          30_000,
        ),
      );
    }
    const [theirs, mine] = found.map((series) =>
      series
        .map(({ service, signal, query, samples }) => ({ service, signal, query, kind: Math.sign(samples.at(-1)?.[1] ?? Number.NaN) }))
        .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    );
    expect(mine).toEqual(theirs);
    for (const { metrics } of both) expect((await metrics.services()).value).toEqual(["cart", "payments"]);
  });

  test("scrape the same labels out of the same text", async () => {
    const found = [];
    for (const { metrics } of both) found.push(await eventually("odd", async () => (await metrics.query("odd")).value[0]));
    expect(found[1]?.labels).toEqual(found[0]?.labels);
    expect(found[0]?.labels["a"]).toBe('b\\c"d\ne');
    expect(found.map((series) => series.samples[0]?.[1])).toEqual([Number.NaN, Number.NaN]);
  });

  test("both forget at once a series that is no longer there and a target that is gone", async () => {
    Object.defineProperty(lab.state.metrics, "cart", { configurable: true, enumerable: true, get: () => "other 1\n" });
    for (const { metrics } of both)
      await eventually("memory ended", async () =>
        (await metrics.query('process_resident_memory_bytes{service="cart"}')).value.length === 0 ? true : undefined,
      );
    delete lab.state.metrics["cart"];
    for (const { metrics } of both)
      await eventually(
        "target ended",
        async () => ((await metrics.query('{service="cart",__name__=~"up|other"}')).value.length === 0 ? true : undefined),
        30_000,
      );
    for (const { metrics } of both) expect((await metrics.query('up{service="payments"}')).value).toHaveLength(1);
  });

  test("both refuse a query that does not parse, and say where", async () => {
    for (const { metrics } of both)
      await expect(metrics.query("sum(rate(up[1m])")).rejects.toSatisfy(
        (e) => AppError.is(e, "PROMQL_SYNTAX") && e.details["position"] === 17,
      );
  });

  test("a name that tries to be a query is a name", async () => {
    for (const { metrics } of both) {
      const { value, partial } = await metrics.current('x"} or vector(1) or up{service="payments', "up");
      expect([value, partial]).toEqual([undefined, []]);
    }
  });

  test("Prometheus itself answers ping, and explains the source of each signal", async () => {
    const [{ metrics }] = both as [OpenedSignals];
    await metrics.ping();
    const { value } = await metrics.explain("payments");
    expect(value.find((source) => source.signal === "latency_p95")).toMatchObject({ candidate: "otel-http", serviceLabel: "service" });
  });
});
