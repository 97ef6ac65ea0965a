import type { RuledAlert } from "./rule-state.ts";

/** The body of Alertmanager's webhook, version 4. @see prometheus/alertmanager, notify/webhook/webhook.go and template/template.go */
export interface WebhookBody {
  readonly version: "4";
  readonly groupKey: string;
  readonly truncatedAlerts: number;
  readonly receiver: string;
  readonly status: "firing" | "resolved";
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly commonLabels: Readonly<Record<string, string>>;
  readonly commonAnnotations: Readonly<Record<string, string>>;
  readonly externalURL: string;
  readonly alerts: readonly {
    readonly status: "firing" | "resolved";
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly startsAt: string;
    readonly endsAt: string;
    readonly generatorURL: string;
    readonly fingerprint: string;
  }[];
}

const GROUP_BY = ["alertname", "service"];
/** Go's zero time: what Alertmanager writes for an end that has not come. */
const NO_END = "0001-01-01T00:00:00Z";
const quoted = (text: string): string => JSON.stringify(text);

/** The key of the group that an alert belongs to, e.g. `{}:{alertname="HighLatency", service="cart"}`. */
export function groupKeyOf(alert: RuledAlert): string {
  const pairs = GROUP_BY.filter((name) => alert.labels[name] !== undefined).map(
    (name) => `${name}=${quoted(alert.labels[name] as string)}`,
  );
  return `{}:{${pairs.join(", ")}}`;
}

/**
 * Pure: one notification about a group.
 *
 * @param alerts all of one group, firing or resolved; at least one
 * @param externalUrl base of the links to the rules' expressions
 */
export function webhookBody(alerts: readonly RuledAlert[], externalUrl: string): WebhookBody {
  const first = alerts[0] as RuledAlert;
  return {
    version: "4",
    groupKey: groupKeyOf(first),
    truncatedAlerts: 0,
    receiver: "tocsin",
    status: alerts.some((alert) => alert.state === "firing") ? "firing" : "resolved",
    groupLabels: Object.fromEntries(Object.entries(first.labels).filter(([name]) => GROUP_BY.includes(name))),
    commonLabels: common(alerts.map((alert) => alert.labels)),
    commonAnnotations: common(alerts.map((alert) => alert.annotations)),
    externalURL: externalUrl,
    alerts: alerts.map((alert) => ({
      status: alert.state === "resolved" ? "resolved" : "firing",
      labels: alert.labels,
      annotations: alert.annotations,
      startsAt: new Date(alert.firedAt ?? alert.activeAt).toISOString(),
      endsAt: alert.resolvedAt === undefined ? NO_END : new Date(alert.resolvedAt).toISOString(),
      generatorURL: `${externalUrl}/graph?g0.expr=${encodeURIComponent(alert.expr)}&g0.tab=1`,
      fingerprint: alert.fingerprint,
    })),
  };
}

function common(sets: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  return Object.fromEntries(Object.entries(sets[0] ?? {}).filter(([name, value]) => sets.every((set) => set[name] === value)));
}
