import * as fc from "fast-check";
import { expect, test } from "vitest";
import { cleanText } from "../../src/parse/clean-text.ts";

const odd = fc.constantFrom("\u0000", "\ud800", "\udfff", "\ud83d\ude00", "\ud7ff", "\ue000", "a", "é");
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(odd, { maxLength: 200 }).map((units) => units.join("")),
);

test("text of any length loses its NULs and half surrogates, and nothing else", () => {
  void fc.assert(
    fc.property(text, (given) => {
      expect(cleanText(given)).toBe(given.toWellFormed().replaceAll("\u0000", "\ufffd"));
      expect(cleanText(given, 50).length).toBeLessThanOrEqual(51);
      expect(cleanText(given, 50).isWellFormed()).toBe(true);
    }),
  );
});
