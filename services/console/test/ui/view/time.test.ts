import { expect, test } from "vitest";
import { ago, offset, span } from "../../../src/ui/view/time.ts";

test.each([
  [0.85, "850 ms"],
  [4.24, "4.2 s"],
  [59.4, "59 s"],
  [60, "1 min"],
  [250, "4 min 10 s"],
  [7_500, "2 h 5 min"],
  [90_061, "1 d 1 h"],
  [3_605, "1 h"],
])("%d seconds read as %s", (seconds, text) => {
  expect(span(seconds)).toBe(text);
});

test("what lies ahead of our clock is now, not a negative age", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(ago("2026-01-01T00:00:30Z", now)).toBe("just now");
  expect(ago("2025-12-31T23:59:55Z", now)).toBe("5 s ago");
  expect(ago("2025-12-31T22:00:00Z", now)).toBe("2 h ago");
});

test("a stopwatch shows hours only when there are any", () => {
  expect(offset(0, 65_000)).toBe("+1:05");
  expect(offset(0, 3_665_000)).toBe("+1:01:05");
});
