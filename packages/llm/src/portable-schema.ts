import type { JsonSchema } from "./llm-port.ts";

/** Keywords that constrained decoding does not take everywhere; the caller checks the answer against the whole schema anyway. */
const DROPPED = new Set([
  "$schema",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "pattern",
  "format",
  "minItems",
  "maxItems",
  "uniqueItems",
  "minProperties",
  "maxProperties",
  "default",
]);
/** Keywords whose members are names of the schema's author, not keywords. */
const NAMED = new Set(["properties", "$defs", "definitions"]);

/** The schema as every provider takes it: closed objects, no bounds. */
export function portableSchema(schema: JsonSchema): Record<string, unknown> {
  const kept = Object.entries(schema)
    .filter(([key]) => !DROPPED.has(key))
    .map(([key, value]): [string, unknown] => [
      key,
      NAMED.has(key) ? mapValues(value) : key === "enum" || key === "const" ? value : walk(value),
    ]);
  const result = Object.fromEntries(kept);
  return result["type"] === "object" ? { ...result, additionalProperties: false } : result;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const walk = (value: unknown): unknown => (Array.isArray(value) ? value.map(walk) : isObject(value) ? portableSchema(value) : value);
const mapValues = (value: unknown): unknown =>
  isObject(value) ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one)])) : value;

/** Does every object name all its members as required? OpenAI's strict mode wants that. */
export function isStrict(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isStrict);
  if (!isObject(schema)) return true;
  const properties = schema["properties"];
  if (isObject(properties)) {
    const required = Array.isArray(schema["required"]) ? schema["required"] : [];
    if (!Object.keys(properties).every((name) => required.includes(name))) return false;
  }
  return Object.values(schema).every(isStrict);
}
