// Numbers as people read them.

export const percent = (ratio: number | null | undefined): string =>
  ratio === null || ratio === undefined
    ? "–"
    : `${ratio >= 0.995 || ratio === 0 ? Math.round(ratio * 100) : (ratio * 100).toFixed(ratio < 0.1 ? 1 : 0)} %`;

function scaled(value: number, steps: readonly (readonly [size: number, unit: string])[]): string {
  const [size, unit] = steps.find(([each]) => Math.abs(value) >= each) ?? steps.at(-1) ?? [1, ""];
  const shown = value / size;
  const digits = Math.abs(shown) >= 100 || Number.isInteger(shown) ? 0 : Math.abs(shown) >= 10 ? 1 : 2;
  return `${shown.toFixed(digits)}${unit === "" ? "" : ` ${unit}`}`;
}

const LONG_NAMES: Readonly<Record<string, string>> = { B: "bytes", s: "seconds", "/s": "per second" };

/** A value in its unit: `bytes`, `seconds`, `ratio`, `per second`, `cores`, or any other word. */
export function figure(value: number | null | undefined, unitName: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const unit = LONG_NAMES[unitName] ?? unitName;
  if (unit === "bytes")
    return scaled(value, [
      [1e9, "GB"],
      [1e6, "MB"],
      [1e3, "kB"],
      [1, "B"],
    ]);
  if (unit === "seconds")
    return scaled(value, [
      [60, "min"],
      [1, "s"],
      [1e-3, "ms"],
    ]);
  if (unit === "ratio") return percent(value);
  if (unit === "per second")
    return `${scaled(value, [
      [1e3, "k"],
      [1, ""],
    ])}/s`;
  const plain = scaled(value, [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
    [1, ""],
  ]);
  return unit === "" || unit === "count" ? plain : `${plain} ${unit}`;
}

export const UNIT_OF_SIGNAL: Readonly<Record<string, string>> = {
  up: "count",
  request_rate: "per second",
  error_ratio: "ratio",
  latency_p95: "seconds",
  cpu: "cores",
  memory: "bytes",
  heap: "bytes",
  oom_kills: "count",
  restarts: "count",
  event_loop_lag: "seconds",
  saturation: "ratio",
};

export const NAME_OF_SIGNAL: Readonly<Record<string, string>> = {
  up: "Up",
  request_rate: "Requests",
  error_ratio: "Errors",
  latency_p95: "Latency, 95th percentile",
  cpu: "CPU",
  memory: "Memory",
  heap: "Heap",
  oom_kills: "OOM kills in 5 min",
  restarts: "Restarts in 5 min",
  event_loop_lag: "Event loop lag",
  saturation: "Fullest pool",
};

export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;
/** The first digits of a digest, enough to compare by eye. */
export const shortDigest = (digest: string): string => digest.replace(/^sha256:/, "").slice(0, 12);
