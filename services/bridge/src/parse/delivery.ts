import { Alert, type Change } from "@tocsin/contracts";
import { isAlertmanager, type MemberContext, readAlertmanagerMember } from "./alertmanager.ts";
import { readChange } from "./change.ts";
import { readGenericMember } from "./generic.ts";
import { type GitlabRules, parseGitlab } from "./gitlab.ts";
import { isGrafana, readGrafanaMember } from "./grafana.ts";
import { isObject, readJson } from "./json.ts";
import { DEFAULT_MAPPING, type Mappings } from "./mapping.ts";
import type { LabelRules } from "./normalise.ts";
import { invalid, type Parsed, type Read, type Rejection, read } from "./outcome.ts";
import { type Member, splitMembers } from "./split-members.ts";

/** What reading depends on besides the bytes. */
export interface ReadingContext {
  readonly rules: LabelRules;
  readonly mappings: Mappings;
  readonly receivedAt: string;
  readonly gitlab: GitlabRules;
}

/** One member as it was read: an alert, or a change. */
type Item = { readonly alert: Alert } | { readonly change: Change };
type MemberReader = (value: unknown, context: MemberContext) => Read<Item>;

/**
 * Pure: what a body holds.
 *
 * @param source `alertmanager` or `grafana` (the body says which of the two it is, not the path, since the two are easily mixed up where
 *   they are configured), `change`, or the name of a generic source
 */
export function parseBody(source: string, body: Uint8Array, context: ReadingContext): Parsed {
  if (body.length === 0) return rejectedWhole(source, "BRIDGE_BODY_UNPARSABLE", "the body is empty", body);
  if (source === "gitlab") return parseGitlab(body, context.gitlab, context.receivedAt);
  return source === "alertmanager" || source === "grafana" ? parseGroup(source, body, context) : parseItems(source, body, context);
}

function parseGroup(route: string, body: Uint8Array, { rules, receivedAt }: ReadingContext): Parsed {
  const whole = (code: Rejection["code"], reason: string): Parsed => rejectedWhole(route, code, reason, body);
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
  const truncated = value["truncatedAlerts"];
  return {
    source,
    ...readMembers(source, groupReader(source), split.body.members, { rules, receivedAt, ...(groupKey === undefined ? {} : { groupKey }) }),
    truncatedAlerts: typeof truncated === "number" && Number.isSafeInteger(truncated) && truncated > 0 ? truncated : 0,
  };
}

function parseItems(source: string, body: Uint8Array, { rules, mappings, receivedAt }: ReadingContext): Parsed {
  const whole = (code: Rejection["code"], reason: string): Parsed => rejectedWhole(source, code, reason, body);
  const listKey = mappings.get(source)?.items;
  const split = splitMembers(body, listKey);
  if (split.kind === "unbalanced") return whole("BRIDGE_BODY_UNPARSABLE", split.reason);
  const envelope = readJson(split.body.envelope, 0);
  if (envelope.kind === "rejected") return whole("BRIDGE_BODY_UNPARSABLE", envelope.reason);
  const isWholeMember = listKey === undefined && !Array.isArray(envelope.value.value);
  if (listKey !== undefined && !(isObject(envelope.value.value) && Array.isArray(envelope.value.value[listKey])))
    return whole("BRIDGE_FORMAT_UNKNOWN", `${listKey} is no list`);
  const members = isWholeMember ? [{ raw: body, depth: 0 }] : split.body.members;
  return { source, ...readMembers(source, itemReader(source, mappings), members, { rules, receivedAt }), truncatedAlerts: 0 };
}

/** Pure: a quarantined member tried again, alone. */
export function parseMember(
  source: string,
  member: NonNullable<Rejection["member"]>,
  raw: Uint8Array,
  { rules, mappings, receivedAt }: ReadingContext,
): Parsed {
  const { format, groupKey } = member;
  const reader =
    format === "event" ? readEvent : format === "alertmanager" || format === "grafana" ? groupReader(format) : itemReader(format, mappings);
  const split = splitMembers(Buffer.concat([Buffer.from("["), raw, Buffer.from("]")]), undefined);
  const members = split.kind === "split" ? split.body.members : [{ raw, depth: 0 }];
  return {
    source,
    ...readMembers(format, reader, members, { rules, receivedAt, ...(groupKey === undefined ? {} : { groupKey }) }),
    truncatedAlerts: 0,
  };
}

const asAlert = (alert: Read<Alert>): Read<Item> => (alert.kind === "read" ? read({ alert: alert.value }) : alert);

const groupReader =
  (format: "alertmanager" | "grafana"): MemberReader =>
  (value, context) =>
    asAlert(format === "alertmanager" ? readAlertmanagerMember(value, context) : readGrafanaMember(value, context));

const itemReader =
  (source: string, mappings: Mappings): MemberReader =>
  (value, context) => {
    if (source !== "change") return asAlert(readGenericMember(source, mappings.get(source) ?? DEFAULT_MAPPING, value, context));
    const change = readChange(value, context.receivedAt);
    return change.kind === "read" ? read({ change: change.value }) : change;
  };

/** An alert that the bus has refused: it is one of ours already. */
const readEvent: MemberReader = (value) => {
  const alert = Alert.safeParse(value);
  return alert.success ? read({ alert: alert.data }) : invalid("it is no alert of ours");
};

const rejectedWhole = (source: string, code: Rejection["code"], reason: string, raw: Uint8Array): Parsed => ({
  source,
  alerts: [],
  changes: [],
  rejections: [{ code, reason, raw }],
  truncatedAlerts: 0,
  fingerprintMismatches: 0,
});

function readMembers(
  format: string,
  reader: MemberReader,
  members: readonly Member[],
  context: MemberContext,
): Pick<Parsed, "alerts" | "changes" | "rejections" | "fingerprintMismatches"> {
  const alerts: Alert[] = [];
  const changes: Change[] = [];
  const rejections: Rejection[] = [];
  let fingerprintMismatches = 0;
  for (const { raw, depth, text } of members) {
    const json = readJson(raw, depth, text);
    const item = json.kind === "rejected" ? json : trusted(json.value.lossy, reader(json.value.value, context));
    if (item.kind === "rejected" || json.kind === "rejected") {
      const { code, reason } = item as Extract<Read<Item>, { kind: "rejected" }>;
      rejections.push({ code, reason, raw, member: { format, ...(context.groupKey === undefined ? {} : { groupKey: context.groupKey }) } });
    } else if ("change" in item.value) {
      changes.push(item.value.change);
    } else {
      alerts.push(item.value.alert);
      const stated = statedFingerprint(json.value.value);
      if (stated !== undefined && stated !== item.value.alert.fingerprint) fingerprintMismatches++;
    }
  }
  return { alerts, changes, rejections, fingerprintMismatches };
}

function statedFingerprint(member: unknown): string | undefined {
  const stated = isObject(member) ? member["fingerprint"] : undefined;
  return typeof stated === "string" && /^[0-9a-f]{16}$/.test(stated) ? stated : undefined;
}

/** Broken bytes in prose are replaced; in a label they would make two different alerts one. */
function trusted(lossy: boolean, item: Read<Item>): Read<Item> {
  if (!lossy || item.kind === "rejected" || !("alert" in item.value)) return item;
  const broken = Object.entries(item.value.alert.labels).some(([name, value]) => name.includes("\ufffd") || value.includes("\ufffd"));
  return broken ? invalid("a label of it is no UTF-8, so it cannot be told apart for sure") : item;
}
