import type { Alert, AlertStatus, LabelSet, Severity } from "@tocsin/contracts";
import { digestOf } from "@tocsin/runtime";
import { dedupeKeyOf, fingerprintOf } from "../fingerprint.ts";
import { cleanText } from "./clean-text.ts";
import { isObject } from "./json.ts";
import { invalid, oversized, type Read, read } from "./outcome.ts";
import { severityOf } from "./severity.ts";

/** Which labels say what; each list in order of preference. */
export interface LabelRules {
  readonly service: readonly string[];
  readonly severity: readonly string[];
  readonly scope: readonly string[];
}

/** What a format has read out of one member, before it is one of our alerts. */
export interface RawAlert {
  readonly source: string;
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly annotations: readonly (readonly [name: string, value: string])[];
  readonly status: AlertStatus;
  readonly startsAt: string;
  readonly endsAt?: string;
  /** Overrules the labels. */
  readonly severity?: Severity;
  readonly service?: string;
  readonly generatorURL?: string;
  readonly groupKey?: string;
}

/** An event on the bus may have 1 MiB; the envelope and other writers of JSON want room. */
const MAX_ALERT_BYTES = 768 * 1024;
/** Annotations are prose for people: beyond this they are cut, in UTF-16 units. */
const MAX_ANNOTATION = 16 * 1024;
const MAX_ANNOTATIONS = 200;
/** What is left of them when the whole would not fit into an event. */
const SHORT_ANNOTATION = 512;
const SHORT_ANNOTATIONS = 40;
const MAX_SCOPE = 200;

/**
 * Pure: one of our alerts. Labels are identity and are kept whole; annotations are prose and are cut. The fingerprint is
 * taken before NUL and half surrogates are replaced, so that alerts that differ in them stay apart.
 */
export function normalise(raw: RawAlert, rules: LabelRules, receivedAt: string): Read<Alert> {
  // Prometheus' data model: a label without a value is no label. Alertmanager drops it too.
  const labels = raw.labels.filter(([, value]) => value !== "");
  if (labels.length === 0) return invalid("it has no labels, so nothing names it");
  const kept = labelSet(labels);
  const name = kept["alertname"];
  if (name === undefined) return invalid("it has no alertname label");

  const fingerprint = fingerprintOf(labels);
  const endsAt = raw.status === "firing" ? undefined : endOf(raw.startsAt, raw.endsAt ?? receivedAt);
  const service = raw.service ?? first(kept, rules.service);
  const alert: Alert = {
    fingerprint,
    dedupeKey: dedupeKeyOf({ fingerprint, status: raw.status, startsAt: raw.startsAt, ...(endsAt === undefined ? {} : { endsAt }) }),
    source: raw.source,
    name,
    severity: raw.severity ?? severityOf(first(kept, rules.severity)) ?? "warning",
    ...(service === undefined ? {} : { service }),
    scope: scopeOf(kept, rules.scope),
    status: raw.status,
    labels: kept,
    annotations: labelSet(raw.annotations.slice(0, MAX_ANNOTATIONS), MAX_ANNOTATION),
    startsAt: raw.startsAt,
    ...(endsAt === undefined ? {} : { endsAt }),
    receivedAt,
    ...(isLink(raw.generatorURL) ? { generatorURL: cleanText(raw.generatorURL, 8_192) } : {}),
    ...(raw.groupKey === undefined || raw.groupKey === "" ? {} : { groupKey: cleanText(raw.groupKey, 1_024) }),
  };
  if (mostBytes(alert) <= MAX_ALERT_BYTES || sizeOf(alert) <= MAX_ALERT_BYTES) return read(alert);
  const shortened: Alert = { ...alert, annotations: labelSet(raw.annotations.slice(0, SHORT_ANNOTATIONS), SHORT_ANNOTATION) };
  const bytes = sizeOf(shortened);
  if (bytes <= MAX_ALERT_BYTES) return read(shortened);
  return oversized(`it would be an event of ${bytes} bytes; ${MAX_ALERT_BYTES} is the most`);
}

/** More than {@link sizeOf} can ever be, without writing it out: JSON takes six bytes for a character at the most. */
function mostBytes({ labels, annotations, generatorURL = "", groupKey = "", name, service = "", scope, source }: Alert): number {
  let characters = generatorURL.length + groupKey.length + name.length + service.length + scope.length + source.length;
  for (const set of [labels, annotations]) for (const key in set) characters += key.length + (set[key] as string).length + 6;
  return 2_048 + characters * 6;
}

const sizeOf = (alert: Alert): number => Buffer.byteLength(JSON.stringify(alert));

/** A clock that runs behind may write an end before the start. */
const endOf = (startsAt: string, endsAt: string): string => (endsAt < startsAt ? startsAt : endsAt);

/** A link that is shown may not be a script; it is never fetched. */
const isLink = (link: string | undefined): link is string => link !== undefined && /^https?:\/\//i.test(link);

function first(labels: LabelSet, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = Object.hasOwn(labels, name) ? labels[name]?.trim() : undefined;
    if (value) return value;
  }
  return undefined;
}

/** What must be correlated together: the values of the scope labels that are there, else `default`. */
function scopeOf(labels: LabelSet, names: readonly string[]): string {
  const scope = names
    .map((name) => first(labels, [name]))
    .filter((value) => value !== undefined)
    .join("/");
  if (scope === "") return "default";
  return scope.length <= MAX_SCOPE ? scope : `${cleanText(scope.slice(0, 100))}#${digestOf(scope).slice(7, 39)}`;
}

/**
 * Entries as a set. `__proto__` is a legal label name and takes part in the fingerprint, but nothing below should have to carry it
 * about: it is left out here.
 */
function labelSet(entries: readonly (readonly [name: string, value: string])[], maxLength?: number): LabelSet {
  const labels: LabelSet = {};
  for (const [name, value] of entries) if (name !== "__proto__") labels[cleanText(name, maxLength)] = cleanText(value, maxLength);
  return labels;
}

/** A map of text to text out of JSON. `null` and absence are an empty one, as Go writes a nil map. */
export function readLabels(what: string, value: unknown): Read<[name: string, value: string][]> {
  if (value === undefined || value === null) return read([]);
  if (!isObject(value)) return invalid(`${what} is no object`);
  const entries = Object.entries(value);
  const odd = entries.find(([, text]) => typeof text !== "string");
  if (odd !== undefined) return invalid(`${what}.${cleanText(odd[0], 100)} is ${kindOf(odd[1])} instead of text`);
  return read(entries as [string, string][]);
}

export const kindOf = (value: unknown): string => (value === null ? "null" : Array.isArray(value) ? "a list" : typeof value);
