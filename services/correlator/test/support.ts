import type { Alert } from "@tocsin/contracts";
import { compileGraph, DEFAULT_CORRELATION } from "@tocsin/correlation";
import type { Clock } from "@tocsin/runtime";
import type { Store } from "@tocsin/store";
import { Registry } from "prom-client";
import { SHOP, topology } from "../../../packages/correlation/test/alerts.ts";
import { correlateBatch } from "../src/correlate-batch.ts";
import { createMetrics } from "../src/metrics.ts";
import type { TurnOptions } from "../src/store-turn.ts";
import { createWorkingSets } from "../src/working-sets.ts";

const graph = compileGraph(topology(SHOP), DEFAULT_CORRELATION.maxHops, DEFAULT_CORRELATION.hubDependents);

/** What a process has: its own memory over the shared store. */
export function processOver(store: Store, clock: Clock): TurnOptions & { take(...alerts: Alert[]): Promise<unknown> } {
  const sets = createWorkingSets({ config: DEFAULT_CORRELATION, graph: () => graph, now: () => clock.now(), onReload: () => {} });
  const options = { sql: store.sql, sets, config: DEFAULT_CORRELATION, clock, metrics: createMetrics(new Registry()) };
  return { ...options, take: (...alerts) => correlateBatch(alerts, options) };
}

export const forgetEverything = (store: Store) =>
  store.sql.query(
    `TRUNCATE incident_members, incidents, alerts, alert_transitions, event_log, correlation_scopes, alert_pairs, correlation_decisions,
       suppressions, heartbeats, switches, journal CASCADE`,
  );

export const openIncidents = async (store: Store) =>
  (
    await store.sql.query<{ id: string; title: string; scope: string; alert_count: number; recovered_at: string | null }>(
      "SELECT id, title, scope, alert_count, recovered_at FROM incidents WHERE state <> 'closed' ORDER BY started_at, id",
    )
  ).rows;
