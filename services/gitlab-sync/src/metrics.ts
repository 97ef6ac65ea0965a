import { Counter, Gauge, Histogram, type Registry } from "prom-client";

export interface GitlabSyncMetrics {
  /** One try of one request: a status, `timeout` or `broken`. */
  request(method: string, outcome: string, seconds: number): void;
  /** One incident: `told`, `skipped`, `left` or `failed`. */
  synced(outcome: string): void;
  /** Incidents of which GitLab does not know everything, at the last look. */
  behind(incidents: number): void;
}

export function createMetrics(registry: Registry): GitlabSyncMetrics {
  const registers = [registry];
  const requests = new Histogram({
    name: "tocsin_gitlab_sync_request_duration_seconds",
    help: "Time of one try of a request to GitLab.",
    labelNames: ["method", "outcome"],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
    registers,
  });
  const synced = new Counter({
    name: "tocsin_gitlab_sync_incidents_total",
    help: "Incidents that were brought to GitLab, by outcome.",
    labelNames: ["outcome"],
    registers,
  });
  const behind = new Gauge({
    name: "tocsin_gitlab_sync_behind_incidents",
    help: "Incidents of which GitLab did not know everything at the last look.",
    registers,
  });
  return {
    request: (method, outcome, seconds) => requests.observe({ method, outcome }, seconds),
    synced: (outcome) => synced.inc({ outcome }),
    behind: (incidents) => behind.set(incidents),
  };
}
