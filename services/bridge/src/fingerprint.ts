// Terms. A *fingerprint* names an alert: 64 bits over its labels, the same in every Alertmanager. A *dedupe key* names one
// transition of it: this alert began to fire then, or was resolved then.
import type { AlertStatus, LabelSet } from "@tocsin/contracts";
import { digestOf } from "@tocsin/runtime";

const OFFSET_HIGH = 0xcbf29ce4;
const OFFSET_LOW = 0x84222325;
const SEPARATOR = Buffer.from([0xff]); // never part of UTF-8, so names and values cannot run into each other

/**
 * FNV-1a over 64 bits in two halves of 32, since a BigInt for every byte is twenty times slower, and in integers of 32 bits throughout,
 * since those that do not fit cost twice as much again. The prime is 2^40 + 0x1b3: multiplying by it is multiplying by 0x1b3 and adding the
 * value shifted left by 40.
 */
function fnv1a64(chunks: Iterable<Uint8Array>): string {
  let high = OFFSET_HIGH | 0;
  let low = OFFSET_LOW | 0;
  for (const chunk of chunks) {
    for (let i = 0; i < chunk.length; i++) {
      low ^= chunk[i] as number;
      const lower = (low & 0xffff) * 0x1b3; // below 2^25
      const upper = (low >>> 16) * 0x1b3 + (lower >>> 16); // below 2^26; what is beyond its 16 bits goes to the high half
      high = (Math.imul(high, 0x1b3) + (upper >>> 16) + (low << 8)) | 0;
      low = (upper << 16) | (lower & 0xffff);
    }
  }
  return hex(high) + hex(low);
}

const hex = (half: number): string => (half >>> 0).toString(16).padStart(8, "0");

const SCRATCH = new Uint8Array(16_384);

/**
 * Names and values one after the other, as the fingerprint reads them. Nearly all labels are ASCII, where text sorts as its bytes do: then no
 * buffer is made for each of them.
 * @returns valid until the next call; undefined when it is not all ASCII, or too long
 */
function asciiBytes(labels: readonly (readonly [name: string, value: string])[]): Uint8Array | undefined {
  let at = 0;
  for (const label of labels)
    for (const text of label) {
      if (at + text.length >= SCRATCH.length) return undefined;
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i);
        if (code > 0x7f) return undefined;
        SCRATCH[at++] = code;
      }
      SCRATCH[at++] = 0xff;
    }
  return SCRATCH.subarray(0, at);
}

/**
 * The identity of an alert, as Alertmanager computes it: FNV-1a-64 over name, 0xff, value, 0xff of every label, by name.
 *
 * @param labels entries rather than an object, because `__proto__` is a legal label name
 * @returns 16 hex digits
 * @see prometheus/common `model/signature.go`, `labelSetToFingerprint`
 */
export function fingerprintOf(labels: readonly (readonly [name: string, value: string])[]): string {
  const ascii = asciiBytes(labels.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  if (ascii !== undefined) return fnv1a64([ascii]);
  const sorted = labels
    .map(([name, value]) => [Buffer.from(name, "utf8"), Buffer.from(value, "utf8")] as const)
    .sort(([a], [b]) => Buffer.compare(a, b)); // bytes, as Go compares; UTF-16 order differs beyond the basic plane
  return fnv1a64(sorted.flatMap(([name, value]) => [name, SEPARATOR, value, SEPARATOR]));
}

export const fingerprintOfSet = (labels: LabelSet): string => fingerprintOf(Object.entries(labels));

/**
 * The identity of one transition. Who sent it is left out on purpose: the twins of an HA pair, and two senders of the same
 * alert, tell of one transition. A resolved one includes its end, since an alert that keeps its start may end twice.
 */
export const dedupeKeyOf = (transition: { fingerprint: string; status: AlertStatus; startsAt: string; endsAt?: string }): string =>
  digestOf(
    [transition.fingerprint, transition.status, transition.startsAt, ...(transition.status === "resolved" ? [transition.endsAt] : [])].join(
      "\n",
    ),
  );
