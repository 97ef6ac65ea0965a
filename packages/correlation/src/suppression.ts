// Terms. A *rule* of suppression keeps an alert out of incidents; every use is counted and named on the alert. A *silence* is a person's
// decision about some alerts until a time; a *maintenance window* is planned work; a *watchdog* is an alert that fires always.
import type { Alert } from "@tocsin/contracts";

export interface Suppression {
  /** `watchdog`, `maintenance:<id>`, `silence:<id>`, `resolved-unseen`, `late`. */
  readonly rule: string;
  readonly text: string;
}

/** Decides for one alert at its event time; undefined lets it through. */
export type Suppressor = (alert: Alert, atMs: number) => Suppression | undefined;

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
