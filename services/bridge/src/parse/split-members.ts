// Why bytes and not JSON.parse on the whole body: one alert with a broken byte, a syntax error between its braces or a million
// nested brackets must cost that alert alone, and what is quarantined are its bytes as they came.
import { isAscii } from "node:buffer";

/** A body taken apart: everything around the list of members, and each member. */
interface SplitBody {
  /** The body with its list of members empty. */
  readonly envelope: Uint8Array;
  readonly members: readonly Member[];
}

export interface Member {
  readonly raw: Uint8Array;
  /** The same as text, where that costs nothing: a piece of a body that is all ASCII. */
  readonly text?: string;
  /** How deep objects and arrays nest in it. */
  readonly depth: number;
}

export type Split = { readonly kind: "split"; readonly body: SplitBody } | { readonly kind: "unbalanced"; readonly reason: string };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** The deepest envelope read. Nesting costs JSON.parse half a gigabyte at 8 million brackets, and no sender goes beyond ten. */
const MAX_ENVELOPE_DEPTH = 64;

/**
 * Takes a JSON body apart by its brackets and quotes alone, in one pass and without recursion.
 *
 * @param listKey the key of the top-level object that holds the members; `undefined` when the body itself is the list, or one member
 * @returns `unbalanced` when brackets or quotes do not match, so that nothing in it can be trusted to be whole
 */
export function splitMembers(body: Uint8Array, listKey: string | undefined): Split {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const ascii = isAscii(bytes) ? bytes.toString("latin1") : undefined; // text and bytes have the same places then
  const from = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0; // a byte order mark
  let due = new Uint8Array(256); // the closing bytes that are due: one byte for each level, since a body may be all brackets
  let depth = 0;
  const members: Member[] = [];
  const kept: Buffer[] = []; // the pieces of the envelope
  const listDepth = listKey === undefined ? 1 : 2;

  let keptFrom = from;
  let inList = false;
  let memberFrom = 0;
  let memberDepth = 0;
  let envelopeDepth = 0;
  let key: Buffer | undefined; // the last string seen directly in the top-level object, quotes included

  const endMember = (at: number, isLast: boolean) => {
    const [start, end] = trimmed(bytes, memberFrom, at);
    // An empty list has no member; an empty place beside a comma is a syntax error, and says so as a member.
    if (end > start || !isLast || members.length > 0) {
      const raw = bytes.subarray(start, end);
      members.push(ascii === undefined ? { raw, depth: memberDepth } : { raw, depth: memberDepth, text: ascii.slice(start, end) });
    }
    memberFrom = at + 1;
    memberDepth = 0;
  };

  for (let i = from; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) {
      const start = i;
      for (i++; i < bytes.length && bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) i++;
      if (i >= bytes.length) return { kind: "unbalanced", reason: `the text that begins at byte ${start} does not end` };
      if (depth === 1 && !inList) key = bytes.subarray(start, i + 1);
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (depth === due.length) {
        const larger = new Uint8Array(depth * 2);
        larger.set(due);
        due = larger;
      }
      due[depth++] = byte === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_LIST;
      if (inList) memberDepth = Math.max(memberDepth, depth - listDepth);
      else envelopeDepth = Math.max(envelopeDepth, depth);
      if (!inList && byte === OPEN_LIST && depth === listDepth && (listKey === undefined || isKey(key, listKey))) {
        inList = true;
        kept.push(bytes.subarray(keptFrom, i + 1));
        memberFrom = i + 1;
        memberDepth = 0;
      }
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      if (depth === 0 || due[--depth] !== byte) return { kind: "unbalanced", reason: `the bracket at byte ${i} closes nothing` };
      if (inList && depth === listDepth - 1) {
        endMember(i, true);
        inList = false;
        keptFrom = i;
      }
    } else if (byte === COMMA && inList && depth === listDepth) {
      endMember(i, false);
    }
  }
  if (depth > 0) return { kind: "unbalanced", reason: `it ends with ${depth} brackets open: cut off on the way?` };
  if (envelopeDepth > MAX_ENVELOPE_DEPTH) return { kind: "unbalanced", reason: `it nests ${envelopeDepth} deep` };
  kept.push(bytes.subarray(keptFrom));
  return { kind: "split", body: { envelope: Buffer.concat(kept), members } };
}

/** Is this quoted text the key? It may be written with escapes. */
function isKey(quoted: Buffer | undefined, key: string): boolean {
  if (quoted === undefined) return false;
  try {
    return JSON.parse(quoted.toString("utf8")) === key;
  } catch {
    return false;
  }
}

/** Where what is between these places begins and ends without the space around it. */
function trimmed(bytes: Buffer, from: number, to: number): readonly [start: number, end: number] {
  let start = from;
  let end = to;
  while (start < end && isSpace(bytes[start])) start++;
  while (end > start && isSpace(bytes[end - 1])) end--;
  return [start, end];
}
