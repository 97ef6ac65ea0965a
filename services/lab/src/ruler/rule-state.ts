// Terms. An alert is *pending* while its expression holds for less than `for:`, *firing* from then on, and *resolved* once the
// expression has ceased to hold; one that was only pending is forgotten.
import type { Series } from "@tocsin/contracts";
import { fingerprintOf } from "./fingerprint.ts";
import type { AlertRule } from "./rule-file.ts";
import { expand } from "./template.ts";

export interface RuledAlert {
  readonly fingerprint: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly expr: string;
  readonly state: "pending" | "firing" | "resolved";
  /** Epoch milliseconds: since when the expression holds. */
  readonly activeAt: number;
  readonly firedAt?: number;
  readonly resolvedAt?: number;
  /** When the expression last held; for `keep_firing_for`. */
  readonly heldAt: number;
  /** On a pending alert: the same alert as it was resolved before, of which nobody has been told yet. */
  readonly untold?: RuledAlert;
}

/** By fingerprint. */
export type RuleState = ReadonlyMap<string, RuledAlert>;

/**
 * Pure: the alerts of a rule after an evaluation.
 *
 * @param before the state after the evaluation before; resolved alerts stay in it until they were told of
 * @param result what the expression gave: one alert per series
 */
export function evaluated(rule: AlertRule, before: RuleState, result: readonly Series[], now: number): RuleState {
  const after = new Map<string, RuledAlert>();
  for (const series of result) {
    const value = series.samples.at(-1)?.[1] ?? Number.NaN;
    const { __name__: _, ...own } = series.labels;
    const added = Object.fromEntries(Object.entries(rule.labels).map(([name, text]) => [name, expand(text, own, value)]));
    const labels = { ...own, ...added, alertname: rule.name };
    const annotations = Object.fromEntries(Object.entries(rule.annotations).map(([name, text]) => [name, expand(text, own, value)]));
    const fingerprint = fingerprintOf(labels);
    const known = before.get(fingerprint);
    const current = known?.state === "resolved" ? undefined : known;
    const untold = known?.state === "resolved" ? known : known?.untold;
    const activeAt = current?.activeAt ?? now;
    const firing = current?.state === "firing" || now - activeAt >= rule.forMs;
    after.set(fingerprint, {
      fingerprint,
      labels,
      annotations,
      expr: rule.expr,
      state: firing ? "firing" : "pending",
      activeAt,
      heldAt: now,
      ...(firing ? { firedAt: current?.firedAt ?? now } : untold ? { untold } : {}),
    });
  }
  for (const alert of before.values()) {
    const { fingerprint } = alert;
    if (after.has(fingerprint)) continue;
    if (alert.state === "resolved") after.set(fingerprint, alert);
    else if (alert.state === "pending") {
      if (alert.untold) after.set(fingerprint, alert.untold);
    } else if (now - alert.heldAt < rule.keepFiringMs) after.set(fingerprint, alert);
    else after.set(fingerprint, { ...alert, state: "resolved", resolvedAt: now });
  }
  return after;
}

/** What a receiver has to know of: alerts that fire, and resolved ones of which nobody has been told. */
export const toTell = (state: RuleState): readonly RuledAlert[] =>
  [...state.values()].flatMap((alert) => (alert.state === "pending" ? (alert.untold ? [alert.untold] : []) : [alert]));

/** The state without the resolved alerts that were told of. */
export function withoutResolved(state: RuleState, told: ReadonlySet<string>): RuleState {
  const left = new Map<string, RuledAlert>();
  for (const [fingerprint, alert] of state) {
    if (!told.has(fingerprint)) left.set(fingerprint, alert);
    else if (alert.state !== "resolved") {
      const { untold: _, ...rest } = alert;
      left.set(fingerprint, rest);
    }
  }
  return left;
}
