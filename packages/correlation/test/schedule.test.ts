import { expect, test } from "vitest";
import { holdsAt, isTimeZone, overAt, type Schedule } from "../src/index.ts";

const at = (schedule: Schedule, ...times: string[]) => times.map((time) => holdsAt(schedule, Date.parse(time)));

test("a one-off window holds from its first millisecond to before its last", () => {
  const once: Schedule = { kind: "once", from: "2026-03-01T10:00:00.000Z", to: "2026-03-01T12:00:00.000Z" };
  expect(at(once, "2026-03-01T09:59:59.999Z", "2026-03-01T10:00:00.000Z", "2026-03-01T11:59:59.999Z", "2026-03-01T12:00:00.000Z")).toEqual([
    false,
    true,
    true,
    false,
  ]);
  expect(overAt(once)).toBe(Date.parse(once.to));
});

test("a weekly window stays at its wall clock when the clocks change", () => {
  const weekly: Schedule = { kind: "weekly", days: ["sun"], from: "04:00", to: "05:00", timeZone: "Europe/Vienna" };
  // The clocks went forward on 2026-03-29 at 02:00: 04:00 in Vienna was 03:00 UTC before and 02:00 UTC from then on.
  expect(at(weekly, "2026-03-22T03:30:00Z", "2026-03-22T02:30:00Z", "2026-03-29T02:30:00Z", "2026-03-29T03:30:00Z")).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect(overAt(weekly)).toBeUndefined();
});

test("a window over midnight belongs to the day on which it begins, also over the end of the week", () => {
  const night: Schedule = { kind: "weekly", days: ["sun"], from: "22:00", to: "02:00", timeZone: "UTC" };
  // 2026-03-01 is a Sunday.
  expect(
    at(
      night,
      "2026-03-01T01:00:00Z",
      "2026-03-01T21:59:59Z",
      "2026-03-01T22:00:00Z",
      "2026-03-02T01:59:59Z",
      "2026-03-02T02:00:00Z",
      "2026-03-02T22:30:00Z",
    ),
  ).toEqual([false, false, true, true, false, false]);
});

test("from midnight to midnight is the whole day", () => {
  const day: Schedule = { kind: "weekly", days: ["mon"], from: "00:00", to: "00:00", timeZone: "Asia/Tokyo" };
  expect(at(day, "2026-03-01T15:00:00Z", "2026-03-02T14:59:59Z", "2026-03-02T15:00:00Z")).toEqual([true, true, false]);
});

test("knows which time zones there are", () => {
  expect(["Europe/Vienna", "UTC", "Mars/Olympus"].map(isTimeZone)).toEqual([true, true, false]);
});
