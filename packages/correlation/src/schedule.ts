// Terms. A *schedule* says when a rule of suppression holds: *once*, or *weekly* by the wall clock of a time zone, so that a window from
// 22:00 to 02:00 stays there when the clocks change.

/** `from` inclusive, `to` exclusive; RFC 3339. */
export interface Once {
  readonly kind: "once";
  readonly from: string;
  readonly to: string;
}

/** Every week. `to` at or before `from` is on the next day; `days` are those on which it begins. */
export interface Weekly {
  readonly kind: "weekly";
  readonly days: readonly Weekday[];
  /** `HH:MM`, 00:00 to 23:59. */
  readonly from: string;
  readonly to: string;
  /** IANA name, e.g. `Europe/Vienna`. */
  readonly timeZone: string;
}
export type Schedule = Once | Weekly;

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

const formats = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError when there is no such time zone */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US", { timeZone, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  formats.set(timeZone, made);
  return made;
}

export function isTimeZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

const minutesOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));

/** Does the schedule hold at this moment (Unix milliseconds)? */
export function holdsAt(schedule: Schedule, atMs: number): boolean {
  if (schedule.kind === "once") return Date.parse(schedule.from) <= atMs && atMs < Date.parse(schedule.to);
  const parts = new Map(
    formatOf(schedule.timeZone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, value]),
  );
  const today = WEEKDAYS.indexOf((parts.get("weekday") ?? "").toLowerCase() as Weekday);
  const minute = Number(parts.get("hour")) * 60 + Number(parts.get("minute"));
  const [from, to] = [minutesOf(schedule.from), minutesOf(schedule.to)];
  const begins = (day: number) => schedule.days.includes(WEEKDAYS[(day + 7) % 7] as Weekday);
  if (from < to) return begins(today) && from <= minute && minute < to;
  return (begins(today) && from <= minute) || (begins(today - 1) && minute < to);
}

/** From when on it never holds again, in Unix milliseconds; undefined when it always may. */
export const overAt = (schedule: Schedule): number | undefined => (schedule.kind === "once" ? Date.parse(schedule.to) : undefined);
