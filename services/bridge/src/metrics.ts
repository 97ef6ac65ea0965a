import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** Source names come from URLs that anybody may call: beyond this many, they are counted as one. */
const MAX_SOURCES = 50;

export interface BridgeMetrics {
  /** What became of the alerts of a delivery. */
  alerts(source: string, outcome: "accepted" | "duplicate" | "quarantined", count: number): void;
  /** A delivery and the status it was answered with. */
  delivery(source: string, status: number, seconds: number): void;
  /** A delivery that was not taken, and why: the code of the error. */
  refused(source: string, code: string): void;
  truncated(source: string, count: number): void;
  fingerprintMismatch(source: string, count: number): void;
  inboxDepth(events: number): void;
}

export function createMetrics(registry: Registry): BridgeMetrics {
  const registers = [registry];
  const alerts = new Counter({
    name: "tocsin_bridge_alerts_total",
    help: "Alerts received, by what became of them.",
    labelNames: ["source", "outcome"],
    registers,
  });
  const deliveries = new Histogram({
    name: "tocsin_bridge_delivery_duration_seconds",
    help: "Time from a delivery's last byte to its answer.",
    labelNames: ["source", "status"],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  });
  const refused = new Counter({
    name: "tocsin_bridge_refused_total",
    help: "Deliveries that were not taken, by error code. The sender still has them.",
    labelNames: ["source", "code"],
    registers,
  });
  const truncated = new Counter({
    name: "tocsin_bridge_truncated_alerts_total",
    help: "Alerts that a sender cut off because of its own max_alerts: they never arrived.",
    labelNames: ["source"],
    registers,
  });
  const mismatches = new Counter({
    name: "tocsin_bridge_fingerprint_mismatches_total",
    help: "Alerts whose fingerprint, as the sender gave it, is not the one over the labels it sent.",
    labelNames: ["source"],
    registers,
  });
  const inbox = new Gauge({ name: "tocsin_bridge_inbox_events", help: "Events that wait in the store for the bus.", registers });

  const sources = new Set<string>();
  const bounded = (source: string): string => {
    if (sources.size < MAX_SOURCES) sources.add(source);
    return sources.has(source) ? source : "other";
  };
  return {
    alerts: (source, outcome, count) => {
      if (count > 0) alerts.inc({ source: bounded(source), outcome }, count);
    },
    delivery: (source, status, seconds) => deliveries.observe({ source: bounded(source), status: String(status) }, seconds),
    refused: (source, code) => refused.inc({ source: bounded(source), code }),
    truncated: (source, count) => {
      if (count > 0) truncated.inc({ source: bounded(source) }, count);
    },
    fingerprintMismatch: (source, count) => {
      if (count > 0) mismatches.inc({ source: bounded(source) }, count);
    },
    inboxDepth: (events) => inbox.set(events),
  };
}
