import type { LabelSet } from "@tocsin/contracts";
import { fakeClock } from "@tocsin/testkit";
import { describe, expect, test } from "vitest";
import { createEmbeddedBackend } from "../src/embedded/embedded-backend.ts";
import { SeriesStore } from "../src/embedded/series-store.ts";
import type { MetricsBackend } from "../src/metrics-backend.ts";
import { Labels } from "../src/promql/labels.ts";
import { createMetrics } from "../src/semantic-signals.ts";

/** Series whose value grows by `slope` a second, for a minute. */
function metricsOf(series: readonly (readonly [name: string, labels: LabelSet, slope: number])[], serviceLabels?: string[]) {
  const clock = fakeClock();
  const startMs = clock.now();
  const store = new SeriesStore();
  const asked: string[] = [];
  const block = store.block(Labels.EMPTY);
  for (let second = 0; second <= 60; second++) {
    block.openRow(startMs + second * 1_000 - 60_000);
    for (const [name, labels, slope] of series) {
      const column = store.column(block, Labels.of({ __name__: name, ...labels }));
      if (column) block.write(column, 1_000 + slope * second);
    }
  }
  const real = createEmbeddedBackend(store, { missing: undefined }, clock);
  const counted = (what: string): void => {
    asked.push(what);
  };
  const backend: MetricsBackend = {
    ...real,
    existing: (metrics, options) => {
      counted("existing");
      return real.existing(metrics, options);
    },
    queryRange: (promql, ...rest) => {
      counted(promql);
      return real.queryRange(promql, ...rest);
    },
  };
  const metrics = createMetrics(backend, { clock, rateWindowSeconds: 30, ...(serviceLabels ? { serviceLabels } : {}) });
  const to = startMs / 1_000;
  const signals = (services: string[], ...names: Parameters<typeof metrics.signals>[1]) =>
    metrics.signals(services, names, { from: to - 20, to }, 5);
  return { metrics, signals, asked, clock, store, block };
}

const rateOf = (answer: Awaited<ReturnType<ReturnType<typeof metricsOf>["signals"]>>, service: string) =>
  answer.value.find((series) => series.service === service)?.samples.at(-1)?.[1];

test("each service is answered by the first source that has data for it", async () => {
  const { signals } = metricsOf([
    ["http_server_request_duration_seconds_count", { service: "cart", status_code: "200" }, 5],
    ["http_requests_total", { service: "cart", code: "200" }, 99],
    ["http_requests_total", { service: "legacy", code: "200" }, 3],
    ["redis_commands_processed_total", { job: "redis" }, 7],
  ]);
  const answer = await signals(["cart", "legacy", "redis", "nobody"], "request_rate");
  expect([rateOf(answer, "cart"), rateOf(answer, "legacy"), rateOf(answer, "redis")].map((n) => Math.round(n ?? 0))).toEqual([5, 3, 7]);
  expect(answer.value).toHaveLength(3);
});

describe("the label that names a service is found out", () => {
  test.each<[string, LabelSet]>([
    ["service", { service: "cart" }],
    ["OpenTelemetry's service_name", { service_name: "cart", job: "x" }],
    ["a Kubernetes name", { app_kubernetes_io_name: "cart", job: "pods" }],
    ["a job with its namespace", { job: "shop/cart" }],
    ["a plain job", { job: "cart" }],
  ])("by %s", async (_, labels) => {
    const { signals } = metricsOf([["http_requests_total", { ...labels, code: "200" }, 2]]);
    expect(Math.round(rateOf(await signals(["cart"], "request_rate"), "cart") ?? 0)).toBe(2);
  });

  test("by the provider-less name of a Traefik service", async () => {
    const { signals } = metricsOf([["traefik_service_requests_total", { service: "cart@docker", code: "502" }, 2]]);
    expect(rateOf(await signals(["cart"], "error_ratio"), "cart")).toBe(1);
  });

  test("or by what was configured, and then by nothing else", async () => {
    const series = [["http_requests_total", { service: "cart", unit: "basket", code: "200" }, 2]] as const;
    const { signals } = metricsOf(series, ["unit"]);
    expect((await signals(["cart", "basket"], "request_rate")).value.map((s) => s.service)).toEqual(["basket"]);
  });
});

test("no failed request yet is an error ratio of 0, no request at all a gap", async () => {
  const { signals } = metricsOf([
    ["http_requests_total", { service: "cart", code: "200" }, 2],
    ["http_requests_total", { service: "idle", code: "500" }, 0],
  ]);
  const answer = await signals(["cart", "idle"], "error_ratio");
  expect(answer.value.map((series) => [series.service, series.samples.at(-1)?.[1]])).toEqual([["cart", 0]]);
});

test("a thousand services are asked for in five questions", async () => {
  const names = Array.from({ length: 1_000 }, (_, i) => `s${i}`);
  const { signals, asked } = metricsOf([["up", { service: "s999" }, 0]]);
  expect((await signals(names, "up")).value).toHaveLength(1);
  expect(asked.filter((query) => query.startsWith("min by"))).toHaveLength(5);
});

test("what the server has is asked once in ten seconds, and nothing found is not remembered", async () => {
  const { signals, asked, clock } = metricsOf([["up", { service: "cart" }, 0]]);
  await signals(["cart"], "up", "memory");
  await signals(["cart"], "up");
  expect(asked.filter((what) => what === "existing")).toHaveLength(1);
  await clock.advance(10_001);
  await signals(["cart"], "up");
  expect(asked.filter((what) => what === "existing")).toHaveLength(2);

  const empty = metricsOf([]);
  await empty.signals(["cart"], "up");
  await empty.signals(["cart"], "up");
  expect(empty.asked.filter((what) => what === "existing")).toHaveLength(2);
});

test("each series carries the query of its service alone, to be pasted", async () => {
  const { signals, metrics } = metricsOf([["process_resident_memory_bytes", { service: 'c"art' }, 0]]);
  const [series] = (await signals(['c"art', "other"], "memory")).value;
  expect(series?.query).toBe('sum by (service) (process_resident_memory_bytes{service="c\\"art"})');
  expect((await metrics.query(series?.query ?? "")).value).toHaveLength(1);
});
