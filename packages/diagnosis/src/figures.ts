/** A number with its unit as people write it: `1.4 MB`, `320 ms`, `4.2 %`. */
export function figure(value: number, unit: string): string {
  if (!Number.isFinite(value)) return "unknown";
  switch (unit) {
    case "B":
      return bytes(value);
    case "s":
      return duration(value);
    case "ratio":
      return `${short(value * 100)} %`;
    case "/s":
      return `${short(value)}/s`;
    case "":
      return short(value);
    default:
      return `${short(value)} ${unit}`;
  }
}

const short = (value: number): string => {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(size >= 1 ? 3 : 2)));
};

function bytes(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${short(value / 1e9)} GB`;
  if (size >= 1e6) return `${short(value / 1e6)} MB`;
  if (size >= 1e3) return `${short(value / 1e3)} kB`;
  return `${short(value)} B`;
}

/** Seconds as `4 ms`, `1.2 s`, `3 min 20 s`. */
export function duration(seconds: number): string {
  const size = Math.abs(seconds);
  if (size < 1) return `${short(seconds * 1_000)} ms`;
  if (size < 120) return `${short(seconds)} s`;
  const minutes = Math.floor(size / 60);
  const rest = Math.round(size % 60);
  if (minutes < 120) return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `14:03:20` in UTC. */
export const clockTime = (unixSeconds: number): string => new Date(unixSeconds * 1_000).toISOString().slice(11, 19);

/** `×3.2`, or undefined when the baseline is next to nothing. */
export const times = (level: number, baseline: number): string | undefined =>
  Math.abs(baseline) > 1e-9 && level / baseline >= 1.05 ? `×${short(level / baseline)}` : undefined;

/** `a, b and c`. */
export const listed = (words: readonly string[]): string =>
  words.length <= 1 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
