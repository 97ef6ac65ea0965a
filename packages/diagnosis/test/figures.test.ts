import { expect, test } from "vitest";
import { duration, figure, listed } from "../src/figures.ts";

test.each([
  [176_400_000, "B", "176 MB"],
  [0.0227, "s", "22.7 ms"],
  [0.116, "ratio", "11.6 %"],
  [0, "ratio", "0 %"],
  [8.25, "/s", "8.25/s"],
  [0.85, "cores", "0.85 cores"],
  [Number.NaN, "B", "unknown"],
])("writes %d %s as %s", (value, unit, text) => {
  expect(figure(value, unit)).toBe(text);
});

test.each([
  [0.004, "4 ms"],
  [119.4, "119 s"],
  [200, "3 min 20 s"],
  [7_320, "2 h 2 min"],
])("writes %d seconds as %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test("lists with an and", () => {
  expect([listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])]).toEqual(["", "a", "a and b", "a, b and c"]);
});
