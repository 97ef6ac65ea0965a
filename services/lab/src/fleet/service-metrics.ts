import { collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Pool } from "./pool.ts";

export interface ServiceMetrics {
  readonly registry: Registry;
  readonly served: Histogram<"method" | "route" | "status_code">;
  readonly called: Histogram<"peer_service" | "status_code">;
}

/** Seconds. Finer below 100 ms, where a healthy shop lives. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** What `/metrics` shows: requests served, requests made, the pool, the process. Names follow the OpenTelemetry conventions. */
export function serviceMetrics(pool: Pool, version: string): ServiceMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge("pool_in_use", "Connections of the pool that are taken.", () => pool.inUse);
  gauge("pool_size", "Connections that the pool may have.", () => pool.size);
  gauge("pool_waiting", "Requests that wait for a connection.", () => pool.waiting);
  new Gauge({ name: "service_build_info", help: "Always 1; the version is in the label.", labelNames: ["version"], registers }).set(
    { version },
    1,
  );
  return {
    registry,
    served: new Histogram({
      name: "http_server_request_duration_seconds",
      help: "Requests served.",
      labelNames: ["method", "route", "status_code"],
      buckets: BUCKETS,
      registers,
    }),
    called: new Histogram({
      name: "http_client_request_duration_seconds",
      help: "Requests made to other services; status_code is `timeout` or `error` when there was no answer.",
      labelNames: ["peer_service", "status_code"],
      buckets: BUCKETS,
      registers,
    }),
  };
}
