import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyTime, utcTime } from "../../src/parse/time.ts";

describe("a sender's time", () => {
  const instant = fc.integer({ min: 0, max: 253_402_300_799_999 });

  test("is the same instant to the millisecond, whatever follows it and whichever offset it is written with", () => {
    void fc.assert(
      fc.property(instant, fc.stringMatching(/^[0-9]{0,9}$/), fc.integer({ min: -14 * 60, max: 14 * 60 }), (ms, more, offset) => {
        const utc = new Date(ms).toISOString();
        expect(utcTime(utc)).toBe(utc);
        expect(utcTime(`${utc.slice(0, -1)}${more}Z`)).toBe(utc);
        const there = ms + offset * 60_000;
        if (there < 0 || there > 253_402_300_799_999) return;
        const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60].map((part) => String(part).padStart(2, "0"));
        const local = new Date(there).toISOString().slice(0, -1);
        expect(utcTime(`${local}${more}${offset < 0 ? "-" : "+"}${hours}:${minutes}`)).toBe(utc);
      }),
    );
  });

  test.each([
    ["2026-02-28T23:59:59.999Z", "2026-02-28T23:59:59.999Z"],
    ["2024-02-29T00:00:00.000Z", "2024-02-29T00:00:00.000Z"],
    ["2026-12-31T23:59:59.9999999Z", "2026-12-31T23:59:59.999Z"],
    ["2026-08-20T10:00:03.5Z", "2026-08-20T10:00:03.500Z"],
    ["2026-08-20t10:00:03z", "2026-08-20T10:00:03.000Z"],
    ["1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z"],
  ])("%s is %s", (written, expected) => {
    expect(utcTime(written)).toBe(expected);
    expect(anyTime(written)).toBe(expected);
  });

  test.each([
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
    "2026-13-01T00:00:00.000Z",
    "2026-00-01T00:00:00.000Z",
    "2026-01-00T00:00:00.000Z",
    "2026-01-32T00:00:00.000Z",
    "2026-01-01T25:00:00.000Z",
    "2026-01-01T00:60:00.000Z",
    "2026-01-01T00:00:61.000Z",
    "2026-01-01T00:00:00.000",
    "2026-01-01T00:00:00.000Z ",
    `2026-01-01T00:00:00.${"0".repeat(64)}Z`,
  ])("%j is none", (written) => {
    expect(utcTime(written)).toBeUndefined();
  });
});
