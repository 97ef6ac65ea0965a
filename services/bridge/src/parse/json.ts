import { messageOf } from "@tocsin/runtime";
import { invalid, type Read, read } from "./outcome.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

/** The deepest member read; see `split-members.ts`. */
const MAX_DEPTH = 64;

const strict = new TextDecoder("utf-8", { fatal: true });
const lenient = new TextDecoder("utf-8");

/** A value and whether bytes in it were no UTF-8: then U+FFFD stands where they were. */
export interface DecodedJson {
  readonly value: unknown;
  readonly lossy: boolean;
}

/**
 * Reads JSON whose nesting has been measured. Bytes that are no UTF-8 are replaced, and it is said that they were.
 * @param asText the same, where it has been decoded already
 */
export function readJson(raw: Uint8Array, depth: number, asText?: string): Read<DecodedJson> {
  if (depth > MAX_DEPTH) return invalid(`it nests ${depth} deep; ${MAX_DEPTH} is the most`);
  let text: string;
  let lossy = false;
  try {
    text = asText ?? strict.decode(raw);
  } catch {
    text = lenient.decode(raw);
    lossy = true;
  }
  if (text.trim() === "") return invalid("it is empty");
  try {
    return read({ value: JSON.parse(text), lossy });
  } catch (error) {
    return invalid(`it is no JSON: ${messageOf(error).slice(0, 200)}`);
  }
}
