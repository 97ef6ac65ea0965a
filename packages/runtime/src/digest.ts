import { hash } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";

/** `sha256:` and 64 hex digits over the canonical JSON of `value`, or over `value` itself when it is text or bytes. */
export function digestOf(value: unknown): string {
  const bytes = typeof value === "string" || value instanceof Uint8Array ? value : canonicalJson(value);
  return `sha256:${hash("sha256", bytes)}`;
}
