import type { Alert } from "@tocsin/contracts";
import { type MemberContext, readRawMember } from "./alertmanager.ts";
import type { JsonObject } from "./json.ts";
import { normalise } from "./normalise.ts";
import type { Read } from "./outcome.ts";

/** Is it Grafana's webhook body? Version "1" together with the organisation tells it from Alertmanager's "4". */
export const isGrafana = (envelope: JsonObject): boolean => envelope["version"] === "1" && typeof envelope["orgId"] === "number";

/** What Grafana raises when a rule could not be evaluated: nothing is known of the service, so nothing may be done to it. */
const NOT_EVALUATED = new Set(["DatasourceNoData", "DatasourceError"]);
/** Marks an alert that speaks of the rule and not of the service; the value is Grafana's name for it. */
const NOT_EVALUATED_ANNOTATION = "tocsin_rule_not_evaluated";

/** Links and values that a person wants beside the alert, by the annotation that carries them. */
const EXTRAS: Readonly<Record<string, string>> = {
  grafana_value: "valueString",
  grafana_dashboard: "dashboardURL",
  grafana_panel: "panelURL",
  grafana_silence: "silenceURL",
  grafana_image: "imageURL",
  grafana_rule_uid: "ruleUID",
};

/**
 * Pure: one alert of Grafana's webhook. `embeddedImage`, `enrichments` and rendered texts are left out: they are large and say nothing new.
 * @see grafana/alerting `templates/template_data.go`
 */
export function readGrafanaMember(value: unknown, context: MemberContext): Read<Alert> {
  const raw = readRawMember("grafana", value, context);
  if (raw.kind === "rejected") return raw;
  const given = new Set(raw.value.annotations.map(([name]) => name));
  const extras = Object.entries(EXTRAS).flatMap(([annotation, field]): [string, string][] => {
    const text = (value as JsonObject)[field];
    return typeof text === "string" && text !== "" && !given.has(annotation) ? [[annotation, text]] : [];
  });
  const alertname = raw.value.labels.find(([name]) => name === "alertname")?.[1] ?? "";
  const notEvaluated = NOT_EVALUATED.has(alertname);
  return normalise(
    {
      ...raw.value,
      annotations: [...raw.value.annotations, ...extras, ...(notEvaluated ? [[NOT_EVALUATED_ANNOTATION, alertname] as const] : [])],
      ...(notEvaluated ? { severity: "warning" as const } : {}),
    },
    context.rules,
    context.receivedAt,
  );
}
