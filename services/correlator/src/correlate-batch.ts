import type { Alert } from "@tocsin/contracts";
import { correlate, type Decisions } from "@tocsin/correlation";
import { knownTransitions } from "@tocsin/store";
import type { CorrelatorMetrics } from "./metrics.ts";
import { storeTurn, type TurnOptions } from "./store-turn.ts";

/** Correlates alerts of any scopes and stores what follows; afterwards every one of them has its outcome. */
export async function correlateBatch(alerts: readonly Alert[], options: TurnOptions): Promise<readonly Decisions[]> {
  const { config, metrics } = options;
  const startedAt = performance.now();
  const byScope = Map.groupBy(alerts, (alert) => alert.scope);
  let known: ReadonlySet<string> = new Set();
  const decisions = await storeTurn(
    {
      scopes: [...byScope.keys()],
      alerts,
      async prepare(tx) {
        known = await knownTransitions(tx, [...new Set(alerts.map((alert) => alert.dedupeKey))]);
      },
      decide: (set) => correlate(set, byScope.get(set.scope) ?? [], { config, known }),
    },
    options,
  );
  count(decisions, metrics);
  metrics.batch(alerts.length, (performance.now() - startedAt) / 1000);
  return decisions;
}

function count(decisions: readonly Decisions[], metrics: CorrelatorMetrics): void {
  for (const { alerts, facts } of decisions) {
    for (const { effect, outcome, reason } of alerts) {
      metrics.alerts(effect, 1);
      if (outcome === "suppressed" && effect === "suppressed")
        metrics.suppressed(reason.slice(0, Math.max(0, reason.search(/[: ]/))) || "other");
    }
    for (const { kind } of facts) if (kind !== "joined" && kind !== "flapping") metrics.incidents(kind, 1);
  }
}
