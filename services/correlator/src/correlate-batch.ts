import type { Alert } from "@tocsin/contracts";
import { correlate, type Decisions, eventOrder, ruleSuppressor, type Suppressor } from "@tocsin/correlation";
import { countSuppressed, knownTransitions, liveSuppressions } from "@tocsin/store";
import type { CorrelatorMetrics } from "./metrics.ts";
import { storeTurn, type TurnOptions } from "./store-turn.ts";

/** Alerts in the first part of a large delivery: the database waits for nothing but their decision. What PGlite gets at once is one part. */
const FIRST_PART = 300;

/**
 * Cuts a delivery into parts, each twice as large as the one before: deciding one takes as long as writing that, and what changes in many
 * alerts of a part, such as the row of their incident, is written once for all of them. No part is smaller than the first.
 */
export function partsOf<T>(items: readonly T[], first: number): (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  let size = first;
  for (let from = 0; from < items.length; size *= 2) {
    const left = items.length - from;
    const taken = left < 2 * size ? left : size;
    parts.push(items.slice(from, from + taken));
    from += taken;
  }
  return parts;
}

/**
 * Correlates alerts of any scopes and stores what follows, in one transaction; afterwards every one of them has its outcome.
 *
 * @param firstPart alerts in the first part of it; parts are in order of event time
 */
export async function correlateBatch(
  alerts: readonly Alert[],
  options: TurnOptions,
  firstPart = FIRST_PART,
): Promise<readonly Decisions[]> {
  const { clock, config, metrics } = options;
  const startedAt = performance.now();
  const parts = partsOf(alerts.length > firstPart ? eventOrder(alerts) : alerts, firstPart);
  const byScope = parts.map((part) => Map.groupBy(part, ({ scope }) => scope));
  let known = new Set<string>();
  let taken = 0;
  let suppress: Suppressor = () => undefined;
  const decisions = await storeTurn(
    {
      scopes: [...new Set(alerts.map(({ scope }) => scope))],
      alerts,
      async prepare(tx) {
        known = new Set(await knownTransitions(tx, [...new Set(alerts.map((alert) => alert.dedupeKey))]));
        const now = clock.now();
        const rules = ruleSuppressor([...(options.standing ?? []), ...(await liveSuppressions(tx, now))]);
        // What waited in a queue meets the rules of when it came and those of now: a person who has just silenced it means it.
        suppress = (alert, receivedAt) => rules(alert, receivedAt) ?? rules(alert, now);
      },
      parts: parts.length,
      decide(set, part) {
        for (; taken < part; taken++) for (const { dedupeKey } of parts[taken] ?? []) known.add(dedupeKey);
        return correlate(set, byScope[part]?.get(set.scope) ?? [], { config, known, suppress });
      },
      also: (tx, decided) => countSuppressed(tx, heldBackByRule(decided), clock.now()),
    },
    options,
  );
  count(decisions, metrics);
  metrics.batch(alerts.length, (performance.now() - startedAt) / 1000);
  return decisions;
}

/** How many transitions each rule of people held back, by its id. */
function heldBackByRule(decisions: readonly Decisions[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { alerts } of decisions)
    for (const { effect, reason } of alerts) {
      const id = effect === "suppressed" ? /^(?:silence|maintenance):([^:]+):/.exec(reason)?.[1] : undefined;
      if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  return counts;
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
