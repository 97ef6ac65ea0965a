import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dedupeKeyOf, fingerprintOf, fingerprintOfSet } from "../src/fingerprint.ts";

/** FNV-1a-64 as its authors write it, to check the fast one against. */
function slowly(labels: readonly (readonly [string, string])[]): string {
  let hash = 0xcbf29ce484222325n;
  const bytes = labels
    .map(([name, value]) => [Buffer.from(name), Buffer.from(value)] as const)
    .sort(([a], [b]) => Buffer.compare(a, b))
    .flatMap(([name, value]) => [...name, 0xff, ...value, 0xff]);
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash.toString(16).padStart(16, "0");
}

const labelName = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
const labels = fc.uniqueArray(fc.tuple(labelName, fc.string({ unit: "grapheme" })), { selector: ([name]) => name, maxLength: 12 });

describe("a fingerprint", () => {
  test("is the one that prometheus/common computes", () => {
    // From its signature_test.go: 14695981039346656037 and 5799056148416392346.
    expect(fingerprintOfSet({})).toBe(14695981039346656037n.toString(16));
    expect(fingerprintOfSet({ name: "garland, briggs", fear: "love is not enough" })).toBe(5799056148416392346n.toString(16));
  });

  test("keeps its leading zeros", () => {
    const short = Array.from({ length: 2_000 }, (_, i) => fingerprintOfSet({ i: String(i) })).filter((hash) => hash.startsWith("0"));
    expect(short.length).toBeGreaterThan(50);
    expect(short.every((hash) => /^[0-9a-f]{16}$/.test(hash))).toBe(true);
  });

  test("is FNV-1a-64 for any labels, in any order", () => {
    void fc.assert(
      fc.property(labels, fc.nat(), (entries, turn) => {
        const turned = [...entries.slice(turn % (entries.length + 1)), ...entries.slice(0, turn % (entries.length + 1))];
        expect(fingerprintOf(turned)).toBe(slowly(entries));
      }),
    );
  });

  test("sorts names by their bytes, as Go does, and not by UTF-16 units", () => {
    const astral = "\u{1F600}"; // before U+FF5E in UTF-16, after it in UTF-8
    const entries = [
      [astral, "a"],
      ["\uff5e", "b"],
    ] as const;
    expect(fingerprintOf(entries)).toBe(slowly(entries));
  });

  test("tells a boundary between name and value apart", () => {
    expect(fingerprintOfSet({ ab: "c" })).not.toBe(fingerprintOfSet({ a: "bc" }));
  });
});

describe("a dedupe key", () => {
  const firing = { fingerprint: "9f1c2d3e4a5b6c7d", status: "firing", startsAt: "2026-08-20T10:00:00.000Z" } as const;
  const resolved = { ...firing, status: "resolved", endsAt: "2026-08-20T11:00:00.000Z" } as const;

  test("differs between firing and resolved, and between two ends", () => {
    const keys = [firing, resolved, { ...resolved, endsAt: "2026-08-20T11:00:00.001Z" }].map(dedupeKeyOf);
    expect(new Set(keys).size).toBe(3);
  });

  test("does not look at the end of an alert that fires", () => {
    expect(dedupeKeyOf({ ...firing, endsAt: "2026-08-20T12:00:00.000Z" })).toBe(dedupeKeyOf(firing));
  });
});
