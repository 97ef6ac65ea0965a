import type { Alert } from "@tocsin/contracts";
import { isObject, type JsonObject } from "./json.ts";
import { kindOf, type LabelRules, normalise, type RawAlert, readLabels } from "./normalise.ts";
import { invalid, type Read, read } from "./outcome.ts";
import { utcTime } from "./time.ts";

/** What a member takes over from the body around it. */
export interface MemberContext {
  readonly rules: LabelRules;
  readonly receivedAt: string;
  readonly groupKey?: string;
}

/** Is it Alertmanager's webhook body? Since 0.32 operators may template it into anything, so the version decides. */
export const isAlertmanager = (envelope: JsonObject): boolean => envelope["version"] === "4";

/** Pure: one alert of Alertmanager's webhook, payload version "4". @see prometheus/alertmanager `template/template.go` */
export function readAlertmanagerMember(value: unknown, context: MemberContext): Read<Alert> {
  const raw = readRawMember("alertmanager", value, context);
  return raw.kind === "read" ? normalise(raw.value, context.rules, context.receivedAt) : raw;
}

/** The fields that Grafana's members share with Alertmanager's. */
export function readRawMember(source: string, value: unknown, context: MemberContext): Read<RawAlert> {
  if (!isObject(value)) return invalid(`it is ${kindOf(value)} instead of an object`);
  const { status } = value;
  if (status !== "firing" && status !== "resolved") return invalid("its status is neither firing nor resolved");
  const labels = readLabels("labels", value["labels"]);
  if (labels.kind === "rejected") return labels;
  const annotations = readLabels("annotations", value["annotations"]);
  if (annotations.kind === "rejected") return annotations;
  const startsAt = utcTime(value["startsAt"]);
  if (startsAt === undefined) return invalid("its startsAt is no time");
  // The zero time means "not ended"; a resolved alert without an end has ended by now.
  const endsAt = utcTime(value["endsAt"]);
  return read({
    source,
    labels: labels.value,
    annotations: annotations.value,
    status,
    startsAt,
    ...(endsAt === undefined ? {} : { endsAt }),
    ...(typeof value["generatorURL"] === "string" ? { generatorURL: value["generatorURL"] } : {}),
    ...(context.groupKey === undefined ? {} : { groupKey: context.groupKey }),
  });
}
