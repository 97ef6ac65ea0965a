import { Counter, Gauge, Histogram, type Registry } from "prom-client";

export interface CorrelatorMetrics {
  alerts(effect: string, count: number): void;
  /** By the rule's kind: `watchdog`, `maintenance`, `silence`, `resolved-unseen`. */
  suppressed(rule: string): void;
  incidents(change: "opened" | "merged" | "recovered" | "refired" | "split", count: number): void;
  batch(alerts: number, seconds: number): void;
  reloaded(reason: "first" | "stale" | "moved", count: number): void;
  live(incidents: number, alerts: number): void;
  storm(on: boolean): void;
  silentWatchdogs(count: number): void;
  topologyAge(read: () => number): void;
}

export function createMetrics(registry: Registry): CorrelatorMetrics {
  const registers = [registry];
  const alerts = new Counter({
    name: "tocsin_correlator_alerts_total",
    help: "Alert transitions, by what they meant.",
    labelNames: ["effect"],
    registers,
  });
  const suppressed = new Counter({
    name: "tocsin_correlator_suppressed_total",
    help: "Alerts kept out of incidents, by the kind of rule.",
    labelNames: ["rule"],
    registers,
  });
  const incidents = new Counter({
    name: "tocsin_correlator_incidents_total",
    help: "What correlation did with incidents.",
    labelNames: ["change"],
    registers,
  });
  const batch = new Histogram({
    name: "tocsin_correlator_batch_duration_seconds",
    help: "Time of one batch, from the delivery to the commit.",
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  });
  const size = new Histogram({
    name: "tocsin_correlator_batch_alerts",
    help: "Alerts in one batch.",
    buckets: [1, 5, 10, 50, 100, 200, 500, 1000, 5000],
    registers,
  });
  const reloads = new Counter({
    name: "tocsin_correlator_reloads_total",
    help: "Scopes loaded from the store, by why.",
    labelNames: ["reason"],
    registers,
  });
  const liveIncidents = new Gauge({ name: "tocsin_correlator_live_incidents", help: "Incidents that are not closed.", registers });
  const liveAlerts = new Gauge({ name: "tocsin_correlator_known_alerts", help: "Alerts in the working sets.", registers });
  const storm = new Gauge({ name: "tocsin_correlator_storm_mode", help: "1 while there is a storm of incidents.", registers });
  const silent = new Gauge({ name: "tocsin_correlator_silent_watchdogs", help: "Watchdogs that are not heard any more.", registers });
  return {
    storm: (on) => storm.set(on ? 1 : 0),
    silentWatchdogs: (count) => silent.set(count),
    alerts: (effect, count) => alerts.inc({ effect }, count),
    suppressed: (rule) => suppressed.inc({ rule }),
    incidents: (change, count) => incidents.inc({ change }, count),
    batch(count, seconds) {
      size.observe(count);
      batch.observe(seconds);
    },
    reloaded: (reason, count) => reloads.inc({ reason }, count),
    live(count, known) {
      liveIncidents.set(count);
      liveAlerts.set(known);
    },
    topologyAge(read) {
      new Gauge({
        name: "tocsin_correlator_topology_age_seconds",
        help: "Since the topology was last learned.",
        registers,
        collect() {
          this.set(read());
        },
      });
    },
  };
}
