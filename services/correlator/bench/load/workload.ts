import { cpus } from "node:os";
import type { Alert } from "@tocsin/contracts";
import { digestOf } from "@tocsin/runtime";

export const say = (record: object): void => void process.stdout.write(`${JSON.stringify(record)}\n`);
export const progress = (text: string): void => void process.stderr.write(`${text}\n`);
export const machine = (suite: string, configuration: object): void =>
  say({
    ...{ suite, case: "setup", subject: "machine", metric: "cores", value: cpus().length, unit: "cores", n: 1 },
    ...{ cpu: cpus()[0]?.model, node: process.version, ...configuration },
  });

const MEMBERS = 50;

/** Labels of the n-th alert of a storm in which every fifty alerts are one service's. One service in twenty is critical. */
export function labelsOf(n: number, services: number): { labels: Record<string, string>; critical: boolean } {
  const service = n % services;
  const critical = service % 20 === 0;
  const labels = {
    alertname: ["HighErrorRate", "HighLatency", "PodNotReady"][n % 3] as string,
    service: `storm-${service}`,
    pod: `storm-${service}-${Math.floor(n / services)}`,
    namespace: "prod",
    severity: critical ? "critical" : "warning",
  };
  return { labels, critical };
}

export const servicesOf = (alerts: number): number => Math.max(1, Math.round(alerts / MEMBERS));

/** The n-th alert as the bridge publishes it. */
export function alertOf(n: number, services: number, atMs: number, resolvedAtMs?: number): Alert {
  const { labels, critical } = labelsOf(n, services);
  const startsAt = new Date(atMs).toISOString();
  const endsAt = resolvedAtMs === undefined ? undefined : new Date(resolvedAtMs).toISOString();
  const fingerprint = digestOf(`${labels["alertname"]} ${labels["pod"]}`).slice(7, 23);
  return {
    fingerprint,
    dedupeKey: digestOf(`${fingerprint} ${startsAt} ${endsAt ?? ""}`),
    source: "alertmanager",
    name: labels["alertname"] as string,
    severity: critical ? "critical" : "warning",
    service: labels["service"] as string,
    scope: "default",
    status: endsAt === undefined ? "firing" : "resolved",
    labels,
    annotations: { description: `${labels["alertname"]} on ${labels["pod"]} for 5m: 12.5 %` },
    startsAt,
    ...(endsAt === undefined ? {} : { endsAt }),
    receivedAt: endsAt ?? startsAt,
  };
}
