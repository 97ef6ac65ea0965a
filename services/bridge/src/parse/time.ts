const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
/** UTC with milliseconds or more, on a day that every month has: valid as it stands. The first three decimals are ours. */
const PLAIN = /^(?:19[7-9]\d|[2-9]\d{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}\d*Z$/;
/** Go's: every alert that fires has it as its end. */
const ZERO_TIME = "0001-01-01T00:00:00Z";

/**
 * A sender's time in our form: UTC with milliseconds. Nanoseconds are cut off and offsets resolved, so that two senders that write one
 * instant differently still agree.
 *
 * @returns undefined when it is no RFC 3339 time, or Go's zero time (year 1), which means "not set"
 */
export function utcTime(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > 64 || value === ZERO_TIME) return undefined;
  if (PLAIN.test(value)) return value.length === 24 ? value : `${value.slice(0, 23)}Z`;
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
