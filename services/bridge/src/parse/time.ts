const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/**
 * A sender's time in our form: UTC with milliseconds. Nanoseconds are cut off and offsets resolved, so that two senders that write one
 * instant differently still agree.
 *
 * @returns undefined when it is no RFC 3339 time, or Go's zero time (year 1), which means "not set"
 */
export function utcTime(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > 64) return undefined;
  const match = RFC_3339.exec(value);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = "", offset] = match;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${fraction.slice(0, 4)}${(offset as string).toUpperCase()}`);
  return inRange(ms);
}

/** A time as generic senders write it: RFC 3339, or Unix seconds, milliseconds, microseconds or nanoseconds as number or digits. */
export function anyTime(value: unknown): string | undefined {
  const number =
    typeof value === "number" ? value : typeof value === "string" && /^\d{9,19}(\.\d+)?$/.test(value) ? Number(value) : undefined;
  if (number === undefined) return utcTime(value);
  // The unit follows from the size: 1e11 seconds is the year 5138, 1e11 milliseconds is 1973.
  const ms = number < 1e11 ? number * 1e3 : number < 1e14 ? number : number < 1e17 ? number / 1e3 : number / 1e6;
  return inRange(Math.floor(ms));
}

/** Between 1970 and 9999, which is what a timestamp can hold everywhere below. */
function inRange(ms: number): string | undefined {
  return ms >= 0 && ms < 253_402_300_800_000 ? new Date(ms).toISOString() : undefined;
}
