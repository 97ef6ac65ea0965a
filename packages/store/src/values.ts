// Both engines send parameters as text and read results as text through this file, and so give equal values. What the
// drivers would do on their own differs: a Date, an array for jsonb, a number for a text column.
import { parameterInvalid } from "./errors.ts";

/** A parameter as both engines take it. */
export type WireParameter = string | Uint8Array | null;

/** Most texts have nothing to escape; JSON has much. */
const quoted = (text: string) => (/["\\]/.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : `"${text}"`);

function arrayLiteral(items: readonly unknown[], position: number): string {
  const parts = items.map((item) => {
    if (item === null || item === undefined) return "NULL";
    if (Array.isArray(item)) return arrayLiteral(item, position);
    const wire = wireParameter(item, position);
    if (wire instanceof Uint8Array) return quoted(`\\x${Buffer.from(wire).toString("hex")}`);
    return wire === null ? "NULL" : quoted(wire);
  });
  return `{${parts.join(",")}}`;
}

function wireParameter(value: unknown, position: number): WireParameter {
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case "string":
      if (value.includes("\0")) throw parameterInvalid(position, "holds a NUL character, which PostgreSQL's text cannot");
      return value;
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
    case "object":
      if (value instanceof Uint8Array) return value;
      if (value instanceof Date) return value.toISOString();
      if (Array.isArray(value)) return arrayLiteral(value, position);
      return JSON.stringify(value);
    default:
      throw parameterInvalid(position, `is a ${typeof value}`);
  }
}

/**
 * Parameters as text: numbers and booleans in PostgreSQL's spelling, a Date as RFC 3339, a plain object as JSON, an array as an
 * array literal (an array meant for a jsonb column goes through `JSON.stringify` first), bytes as they are.
 *
 * @throws AppError `STORE_PARAMETER_INVALID` for a function, a symbol or text with a NUL character
 */
export const wireParameters = (params: readonly unknown[]): WireParameter[] =>
  params.map((value, index) => wireParameter(value, index + 1));

/**
 * JSON that PostgreSQL takes: NUL characters and lone surrogates, which jsonb refuses and foreign text may hold, become U+FFFD.
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value) ?? "null";
  // Most text has neither: look for the escapes that JSON.stringify writes for them before walking the value.
  if (!/\\u(0000|d[89a-f])/.test(text)) return text;
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member === "string") return cleanText(member);
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).map(([key, item]) => [cleanText(key), item]));
  });
}

/** Text that PostgreSQL takes: NUL characters and lone surrogates become U+FFFD. */
export const cleanText = (text: string): string => text.replaceAll("\0", "\uFFFD").toWellFormed();

type Parse = (text: string) => unknown;

/** `2026-01-01 00:00:00.123456+00` → `2026-01-01T00:00:00.123Z`. Microseconds are cut off; infinities stay as they are. */
export function timestampText(text: string): string {
  const match = /^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?(?:([+-]\d\d)(?::?(\d\d))?)?$/.exec(text);
  if (!match) return text;
  const [, day, time, fraction = ".0", hours = "+00", minutes = "00"] = match;
  return new Date(`${day}T${time}${fraction.slice(0, 4)}${hours}:${minutes}`).toISOString();
}

const bytes: Parse = (text) => new Uint8Array(Buffer.from(text.slice(2), "hex"));
const plain: Parse = (text) => text;

/** Reads `{a,"b \"c\"",NULL,{…}}`. */
export function arrayItems(text: string, parse: Parse): unknown[] {
  let at = text.indexOf("{");
  function list(): unknown[] {
    const items: unknown[] = [];
    at++;
    while (text[at] !== "}") {
      if (text[at] === ",") at++;
      if (text[at] === "{") items.push(list());
      else if (text[at] === '"') {
        let item = "";
        for (at++; text[at] !== '"'; at++) {
          if (text[at] === "\\") at++;
          item += text[at];
        }
        at++;
        items.push(parse(item));
      } else {
        const from = at;
        while (text[at] !== "," && text[at] !== "}") at++;
        const item = text.slice(from, at);
        items.push(item === "NULL" ? null : parse(item));
      }
    }
    at++;
    return items;
  }
  return list();
}

const SCALARS: readonly (readonly [oid: number, arrayOid: number, parse: Parse])[] = [
  [16, 1000, (text) => text === "t"], // bool
  [17, 1001, bytes], // bytea
  [20, 1016, Number], // int8
  [21, 1005, Number], // int2
  [23, 1007, Number], // int4
  [26, 1028, Number], // oid
  [700, 1021, Number], // float4
  [701, 1022, Number], // float8
  [1700, 1231, Number], // numeric
  [114, 199, JSON.parse], // json
  [3802, 3807, JSON.parse], // jsonb
  [1114, 1115, timestampText], // timestamp, taken for UTC
  [1184, 1185, timestampText], // timestamptz
  [1082, 1182, plain], // date
  [25, 1009, plain], // text
  [1043, 1015, plain], // varchar
  [2950, 2951, plain], // uuid
];

/** How to read a column, by the OID of its type; what is not here stays text. */
export const PARSERS: ReadonlyMap<number, Parse> = new Map(
  SCALARS.flatMap(([oid, arrayOid, parse]): [number, Parse][] => [
    [oid, parse],
    [arrayOid, (text) => arrayItems(text, parse)],
  ]),
);

export const parserOf = (oid: number): Parse => PARSERS.get(oid) ?? plain;
