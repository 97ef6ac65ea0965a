// Functions of one value, and those of the calendar. All drop the metric's name.

/** Half up, to a multiple of `nearest`, as Prometheus does it (through the inverse, so that 0.1 behaves). */
const roundTo = (value: number, nearest: number): number => {
  const inverse = 1 / nearest;
  return Math.floor(value * inverse + 0.5) / inverse;
};

const day = (seconds: number) => new Date(seconds * 1_000);

/** `params` are the scalar arguments after the vector. */
export const VALUE_FUNCTIONS: Readonly<Record<string, (value: number, params: readonly number[]) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: Math.exp,
  sqrt: Math.sqrt,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sgn: Math.sign,
  round: (value, [nearest = 1]) => roundTo(value, nearest),
  clamp: (value, [min = Number.NaN, max = Number.NaN]) => Math.max(min, Math.min(max, value)),
  clamp_min: (value, [min = Number.NaN]) => Math.max(min, value),
  clamp_max: (value, [max = Number.NaN]) => Math.min(max, value),
  minute: (value) => day(value).getUTCMinutes(),
  hour: (value) => day(value).getUTCHours(),
  day_of_week: (value) => day(value).getUTCDay(),
  day_of_month: (value) => day(value).getUTCDate(),
  month: (value) => day(value).getUTCMonth() + 1,
  year: (value) => day(value).getUTCFullYear(),
};

/** Without an argument these speak of the evaluation time. */
export const CALENDAR: ReadonlySet<string> = new Set(["minute", "hour", "day_of_week", "day_of_month", "month", "year"]);
