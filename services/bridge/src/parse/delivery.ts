import type { Alert } from "@tocsin/contracts";
import { isAlertmanager, type MemberContext, readAlertmanagerMember } from "./alertmanager.ts";
import { isGrafana, readGrafanaMember } from "./grafana.ts";
import { isObject, readJson } from "./json.ts";
import type { LabelRules } from "./normalise.ts";
import { invalid, type Parsed, type Read, type Rejection } from "./outcome.ts";
import { type Member, splitMembers } from "./split-members.ts";

export type MemberReader = (value: unknown, context: MemberContext) => Read<Alert>;

const READERS: Readonly<Record<string, MemberReader>> = { alertmanager: readAlertmanagerMember, grafana: readGrafanaMember };

/**
 * Pure: what a body sent to `/webhooks/alertmanager` or `/webhooks/grafana` holds. The body says which of the two it is,
 * not the path, since the two are easily mixed up where they are configured.
 *
 * @param route which of the two it was sent to: the source of what cannot be understood
 */
export function parseDelivery(route: string, body: Uint8Array, rules: LabelRules, receivedAt: string): Parsed {
  const whole = (code: Rejection["code"], reason: string): Parsed => ({
    source: route,
    alerts: [],
    rejections: [{ code, reason, raw: body }],
    truncatedAlerts: 0,
    fingerprintMismatches: 0,
  });
  if (body.length === 0) return whole("BRIDGE_BODY_UNPARSABLE", "the body is empty");
  const split = splitMembers(body, "alerts");
  if (split.kind === "unbalanced") return whole("BRIDGE_BODY_UNPARSABLE", split.reason);
  const envelope = readJson(split.body.envelope, 0);
  if (envelope.kind === "rejected") return whole("BRIDGE_BODY_UNPARSABLE", envelope.reason);
  const { value } = envelope.value;
  if (!isObject(value)) return whole("BRIDGE_FORMAT_UNKNOWN", "the body is no object");
  const source = isAlertmanager(value) ? "alertmanager" : isGrafana(value) ? "grafana" : undefined;
  if (source === undefined)
    return whole(
      "BRIDGE_FORMAT_UNKNOWN",
      'neither Alertmanager\'s (version "4") nor Grafana\'s (version "1" with orgId): a custom template?',
    );
  if (!Array.isArray(value["alerts"])) return whole("BRIDGE_FORMAT_UNKNOWN", "alerts is no list");

  const groupKey = typeof value["groupKey"] === "string" ? value["groupKey"] : undefined;
  const context: MemberContext = { rules, receivedAt, ...(groupKey === undefined ? {} : { groupKey }) };
  const truncated = value["truncatedAlerts"];
  return {
    source,
    ...readMembers(source, split.body.members, context),
    truncatedAlerts: typeof truncated === "number" && Number.isSafeInteger(truncated) && truncated > 0 ? truncated : 0,
  };
}

/** Pure: a quarantined member tried again, alone. */
export function parseMember(
  member: NonNullable<Rejection["member"]>,
  raw: Uint8Array,
  rules: LabelRules,
  receivedAt: string,
): Parsed | undefined {
  if (!(member.format in READERS)) return undefined;
  const split = splitMembers(Buffer.concat([Buffer.from("["), raw, Buffer.from("]")]), undefined);
  const context: MemberContext = { rules, receivedAt, ...(member.groupKey === undefined ? {} : { groupKey: member.groupKey }) };
  const members = split.kind === "split" ? split.body.members : [{ raw, depth: 0 }];
  return { source: member.format, ...readMembers(member.format, members, context), truncatedAlerts: 0 };
}

function readMembers(
  format: string,
  members: readonly Member[],
  context: MemberContext,
): Pick<Parsed, "alerts" | "rejections" | "fingerprintMismatches"> {
  const reader = READERS[format] as MemberReader;
  const alerts: Alert[] = [];
  const rejections: Rejection[] = [];
  let fingerprintMismatches = 0;
  for (const { raw, depth } of members) {
    const json = readJson(raw, depth);
    const alert = json.kind === "rejected" ? json : trusted(json.value.lossy, reader(json.value.value, context));
    if (alert.kind === "rejected" || json.kind === "rejected") {
      const { code, reason } = alert as Extract<Read<Alert>, { kind: "rejected" }>;
      rejections.push({ code, reason, raw, member: { format, ...(context.groupKey === undefined ? {} : { groupKey: context.groupKey }) } });
    } else {
      alerts.push(alert.value);
      const stated = statedFingerprint(json.value.value);
      if (stated !== undefined && stated !== alert.value.fingerprint) fingerprintMismatches++;
    }
  }
  return { alerts, rejections, fingerprintMismatches };
}

function statedFingerprint(member: unknown): string | undefined {
  const stated = isObject(member) ? member["fingerprint"] : undefined;
  return typeof stated === "string" && /^[0-9a-f]{16}$/.test(stated) ? stated : undefined;
}

/** Broken bytes in prose are replaced; in a label they would make two different alerts one. */
function trusted(lossy: boolean, alert: Read<Alert>): Read<Alert> {
  if (!lossy || alert.kind === "rejected") return alert;
  const broken = Object.entries(alert.value.labels).some(([name, value]) => name.includes("\ufffd") || value.includes("\ufffd"));
  return broken ? invalid("a label of it is no UTF-8, so it cannot be told apart for sure") : alert;
}
