import { expect, test } from "vitest";
import { figure, percent, shortDigest } from "../../../src/ui/view/figures.ts";

test.each([
  [227_400_000, "B", "227 MB"],
  [0.0489, "s", "48.9 ms"],
  [90, "seconds", "1.50 min"],
  [0.031, "ratio", "3.1 %"],
  [9.33, "/s", "9.33/s"],
  [1_500, "per second", "1.50 k/s"],
  [0.02, "cores", "0.02 cores"],
  [Number.NaN, "bytes", "–"],
])("%d %s reads as %s", (value, unit, text) => {
  expect(figure(value, unit)).toBe(text);
});

test("nothing measured is a dash, never a zero", () => {
  expect(percent(null)).toBe("–");
  expect(percent(0)).toBe("0 %");
  expect(percent(0.999)).toBe("100 %");
});

test("a digest is compared by its first digits", () => expect(shortDigest(`sha256:${"ab".repeat(32)}`)).toBe("abababababab"));
