// How moments and spans are written. Pure: the present is always an argument.

const UNITS: readonly (readonly [unit: string, seconds: number])[] = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];

/** A span in its one or two largest units: `4 min 10 s`, `2 h 5 min`, `850 ms`. */
export function span(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
    if (parts.length === 2 || (parts.length === 1 && count === 0)) break;
  }
  return parts.join(" ");
}

/** How long ago in one unit; what lies ahead (clocks differ) counts as now. */
export function ago(at: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(at)) / 1000));
  if (seconds < 5) return "just now";
  const [unit, size] = UNITS.find(([, each]) => seconds >= each) ?? (["s", 1] as const);
  return `${Math.floor(seconds / size)} ${unit} ago`;
}

const two = (n: number): string => String(n).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Local wall-clock time to the second. */
export function clock(at: string | number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Local time, with the day when it is not today. */
export function moment(at: string | number, nowMs: number): string {
  const date = new Date(at);
  if (new Date(nowMs).toDateString() === date.toDateString()) return clock(at);
  return `${date.getDate()} ${MONTHS[date.getMonth()]} ${clock(at)}`;
}

/** Seconds since the first moment, as a stopwatch shows them: `+1:05`. */
export function offset(fromMs: number, atMs: number): string {
  const seconds = Math.max(0, Math.round((atMs - fromMs) / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours > 0 ? `+${hours}:${two(minutes)}:${two(seconds % 60)}` : `+${minutes}:${two(seconds % 60)}`;
}
