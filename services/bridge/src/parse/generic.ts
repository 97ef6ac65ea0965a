import type { Alert } from "@tocsin/contracts";
import type { MemberContext } from "./alertmanager.ts";
import { isObject } from "./json.ts";
import type { Mapping, Place } from "./mapping.ts";
import { kindOf, normalise } from "./normalise.ts";
import { invalid, type Read } from "./outcome.ts";
import { severityOf } from "./severity.ts";
import { anyTime } from "./time.ts";

/**
 * Pure: one alert of a generic sender, read by its mapping. Where no place holds a time, it began when it was received.
 *
 * Severity and status stay out of the labels unless the mapping puts them there: a recovery is told with another level, and would
 * then be another alert that resolves nothing.
 */
export function readGenericMember(source: string, mapping: Mapping, value: unknown, context: MemberContext): Read<Alert> {
  if (!isObject(value)) return invalid(`it is ${kindOf(value)} instead of an object`);
  const name = find(value, mapping.name);
  if (name === undefined) return invalid("nothing in it names the alert: its mapping finds no name");
  const service = find(value, mapping.service);

  const labels = new Map<string, string>();
  for (const from of mapping.labelsFrom) for (const [label, text] of entriesOf(at(value, from))) labels.set(label, text);
  for (const [label, place] of Object.entries(mapping.labels)) {
    const text = find(value, place);
    if (text !== undefined) labels.set(label, text);
  }
  labels.set("alertname", name);
  if (service !== undefined) labels.set("service", service);

  const word = find(value, mapping.status)?.toLowerCase();
  const status = word !== undefined && mapping.resolved.some((resolved) => resolved.toLowerCase() === word) ? "resolved" : "firing";
  const level = find(value, mapping.severity);
  const severity = level === undefined ? undefined : (mapping.severities[level] ?? severityOf(level));
  const endsAt = anyTime(locate(value, mapping.endsAt));
  const link = find(value, mapping.link);
  return normalise(
    {
      source,
      labels: [...labels],
      annotations: Object.entries(mapping.annotations).flatMap(([annotation, place]): [string, string][] => {
        const text = find(value, place);
        return text === undefined ? [] : [[annotation, text]];
      }),
      status,
      startsAt: anyTime(locate(value, mapping.startsAt)) ?? context.receivedAt,
      ...(endsAt === undefined ? {} : { endsAt }),
      ...(severity === undefined ? {} : { severity }),
      ...(service === undefined ? {} : { service }),
      ...(link === undefined ? {} : { generatorURL: link }),
    },
    context.rules,
    context.receivedAt,
  );
}

/** What a JSON pointer points at. Own properties only, so that a payload never reaches into prototypes. @see RFC 6901 */
export function at(value: unknown, pointer: string): unknown {
  let here = value;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string, unknown>)[key];
  }
  return here;
}

/** The first place that holds a scalar. */
function locate(value: unknown, place: Place): string | number | boolean | undefined {
  for (const step of place) {
    const found = typeof step === "string" ? at(value, step) : step.value;
    if ((typeof found === "string" && found.trim() !== "") || typeof found === "number" || typeof found === "boolean") return found;
  }
  return undefined;
}

function find(value: unknown, place: Place): string | undefined {
  const found = locate(value, place);
  return found === undefined ? undefined : String(found).trim();
}

const MAX_LABELS = 100;

/** Scalars of an object, or `key:value` and `key=value` texts of a list, as labels. */
function entriesOf(value: unknown): [name: string, text: string][] {
  if (Array.isArray(value))
    return value.slice(0, MAX_LABELS).flatMap((item): [string, string][] => {
      const pair = typeof item === "string" ? /^([^:=]{1,200})[:=](.+)$/s.exec(item) : null;
      return pair === null ? [] : [[(pair[1] as string).trim(), (pair[2] as string).trim()]];
    });
  if (!isObject(value)) return [];
  return Object.entries(value)
    .slice(0, MAX_LABELS)
    .flatMap(([name, item]): [string, string][] =>
      typeof item === "string" || typeof item === "number" || typeof item === "boolean" ? [[name, String(item)]] : [],
    );
}
