// Terms. A *rule* of suppression keeps an alert out of incidents; every use is counted and named on the alert. A *silence* is a person's
// decision about some alerts until a time; a *maintenance window* is planned work, once or every week; a *watchdog* is an alert that
// fires always. Acknowledging an incident is none of these: it says that somebody looks, and suppresses nothing.
import { compileMatcher, type Matchable, type Matcher } from "./matcher.ts";
import { holdsAt, type Schedule } from "./schedule.ts";

export interface Suppression {
  /** `watchdog`, `silence:<id>`, `maintenance:<id>`, `rule:<id>`, `resolved-unseen`, `late`. */
  readonly rule: string;
  readonly text: string;
}

/** Decides for one alert at the time it was received; undefined lets it through. */
export type Suppressor = (alert: Matchable, atMs: number) => Suppression | undefined;

export const watchdogSuppressor = (names: readonly string[]): Suppressor => {
  const known = new Set(names);
  return (alert) =>
    known.has(alert.name) ? { rule: "watchdog", text: `${alert.name} fires always: it shows that alerting works` } : undefined;
};

/** The first suppressor that speaks. */
export const firstOf =
  (...suppressors: readonly Suppressor[]): Suppressor =>
  (alert, atMs) => {
    for (const suppress of suppressors) {
      const found = suppress(alert, atMs);
      if (found) return found;
    }
    return undefined;
  };

/** A silence, a maintenance window, or a standing rule of a rule file. */
export interface SuppressionRule {
  readonly id: string;
  readonly kind: "silence" | "maintenance" | "rule";
  readonly matcher: string;
  readonly schedule: Schedule;
  readonly owner: string;
  readonly reason: string;
}

/** `silence:<id>`, as alerts name it. */
export const nameOfRule = ({ kind, id }: Pick<SuppressionRule, "kind" | "id">): string => `${kind}:${id}`;

/**
 * The suppressor of people's rules; of several that match, the first speaks. A rule whose matcher does not compile holds nothing back: an
 * alert too many is the cheaper mistake.
 */
export function ruleSuppressor(rules: readonly SuppressionRule[]): Suppressor {
  const compiled: { rule: SuppressionRule; matches: Matcher }[] = [];
  for (const rule of rules) {
    const matcher = compileMatcher(rule.matcher);
    if (matcher.kind === "compiled") compiled.push({ rule, matches: matcher.matches });
  }
  return (alert, atMs) => {
    for (const { rule, matches } of compiled)
      if (matches(alert) && holdsAt(rule.schedule, atMs)) return { rule: nameOfRule(rule), text: textOf(rule) };
    return undefined;
  };
}

const textOf = ({ kind, owner, reason, schedule }: SuppressionRule): string =>
  kind === "silence" && schedule.kind === "once"
    ? `silenced by ${owner} until ${schedule.to}: ${reason}`
    : `${kind === "rule" ? "held back by a rule of" : "maintenance by"} ${owner}: ${reason}`;
