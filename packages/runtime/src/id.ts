import { randomFillSync } from "node:crypto";

/**
 * A UUID version 7: 48 bits of milliseconds, then random bits. Ids made later sort later (to the millisecond), which
 * keeps the indexes on them compact.
 *
 * @see RFC 9562, section 5.7
 */
export function uuidv7(nowMs: number = Date.now()): string {
  const bytes = randomFillSync(Buffer.allocUnsafe(16));
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** An opaque id that says what it names, e.g. `inc_0192f0c1…` (the hex digits of a UUID version 7). */
export const newId = (kind: string, nowMs?: number): string => `${kind}_${uuidv7(nowMs).replaceAll("-", "")}`;
