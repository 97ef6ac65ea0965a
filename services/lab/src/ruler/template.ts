// The part of Prometheus' templates that alert texts use: `{{ $labels.name }}`, `{{ $value }}`, and one function after a bar.
const PLACE = /\{\{-?\s*(.*?)\s*-?\}\}/g;
const FIELD = /^\$labels\.([A-Za-z_]\w*)$/;

const METRIC_PREFIXES: readonly [number, string][] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];
const BINARY_PREFIXES: readonly [number, string][] = [
  [2 ** 40, "Ti"],
  [2 ** 30, "Gi"],
  [2 ** 20, "Mi"],
  [2 ** 10, "ki"],
];
/** Four significant digits, as Go's `%.4g`. */
const short = (value: number): string => String(Number(value.toPrecision(4)));

function scaled(value: number, prefixes: readonly [number, string][]): string {
  for (const [factor, prefix] of prefixes) if (Math.abs(value) >= factor) return `${short(value / factor)}${prefix}`;
  return short(value);
}

function asDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return short(seconds);
  if (Math.abs(seconds) < 1) return seconds === 0 ? "0s" : `${short(seconds * 1_000)}ms`;
  if (Math.abs(seconds) < 60) return `${short(seconds)}s`;
  const whole = Math.floor(seconds);
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3_600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "m"],
    [whole % 60, "s"],
  ];
  const from = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(from)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join(" ");
}

const FUNCTIONS: Readonly<Record<string, (value: number) => string>> = {
  humanize: (value) => scaled(value, METRIC_PREFIXES),
  humanize1024: (value) => scaled(value, BINARY_PREFIXES),
  humanizePercentage: (value) => `${short(value * 100)}%`,
  humanizeDuration: asDuration,
};

function fillPlace(expression: string, labels: Readonly<Record<string, string>>, value: number): string | undefined {
  const [subject, name, ...rest] = expression.split("|").map((part) => part.trim());
  if (subject === undefined || rest.length > 0) return undefined;
  const label = FIELD.exec(subject)?.[1];
  if (label === undefined && subject !== "$value") return undefined;
  if (name === undefined) return label === undefined ? String(value) : (labels[label] ?? "");
  const apply = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  return apply?.(label === undefined ? value : Number(labels[label]));
}

/** Places in a template that {@link expand} cannot fill; a rule file with any is refused when it is read. */
export function unknownFunctions(template: string): string[] {
  return [...template.matchAll(PLACE)].map((match) => match[1] as string).filter((place) => fillPlace(place, {}, 0) === undefined);
}

/** Fills a template for one alert. A label that is absent is empty, as in Prometheus. */
export function expand(template: string, labels: Readonly<Record<string, string>>, value: number): string {
  return template.replace(PLACE, (_, place: string) => fillPlace(place, labels, value) ?? "");
}
