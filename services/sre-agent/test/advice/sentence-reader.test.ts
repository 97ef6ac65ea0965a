import fc from "fast-check";
import { expect, test } from "vitest";
import type { Claim } from "../../src/advice/check-sentence.ts";
import { sentenceReader } from "../../src/advice/sentence-reader.ts";

function read(...pieces: string[]): Claim[] {
  const claims: Claim[] = [];
  const reader = sentenceReader((claim) => claims.push(claim));
  for (const piece of pieces) reader.push(piece);
  reader.end();
  return claims;
}
const TEXT = "The error ratio rose to 0.2 % since 10:00:12 [e1, e4]. Calls fail [e2]. It is down. [e3]\nAnd more [e10]";
const CLAIMS = [
  { text: "The error ratio rose to 0.2 % since 10:00:12.", evidence: ["e1", "e4"] },
  { text: "Calls fail.", evidence: ["e2"] },
  { text: "It is down.", evidence: ["e3"] },
  { text: "And more", evidence: ["e10"] },
];

test("gives sentences with the evidence they name, on either side of the full stop", () => {
  expect(read(TEXT)).toEqual(CLAIMS);
});

test("gives the same sentences however the text is cut into pieces", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: TEXT.length }), { maxLength: 12 }), (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), TEXT.length];
      expect(read(...places.slice(1).map((to, index) => TEXT.slice(places[index], to)))).toEqual(CLAIMS);
    }),
  );
});

test("a text that never ends a sentence is given up in pieces, not kept for ever", () => {
  expect(read(...Array.from({ length: 100 }, () => "word ".repeat(20))).length).toBeGreaterThan(3);
});
