import type { SignalName } from "@tocsin/contracts";

/** The signals that tell whether a service itself is ill. */
export const ILLNESS_SIGNALS = [
  "up",
  "error_ratio",
  "latency_p95",
  "memory",
  "cpu",
  "event_loop_lag",
  "saturation",
  "restarts",
] as const satisfies readonly SignalName[];
export type Vitals = Partial<Readonly<Record<(typeof ILLNESS_SIGNALS)[number], number>>>;

/** How far over its value before the incident a signal is illness rather than noise. */
const OVER: readonly { readonly signal: keyof Vitals; readonly times: number; readonly plus: number; readonly unknown: number }[] = [
  { signal: "error_ratio", times: 1.5, plus: 0.02, unknown: 0.05 },
  { signal: "latency_p95", times: 1.5, plus: 0.02, unknown: 1 },
  { signal: "memory", times: 1.3, plus: 10_000_000, unknown: Number.POSITIVE_INFINITY },
  { signal: "cpu", times: 1.5, plus: 0.1, unknown: 0.9 },
  { signal: "event_loop_lag", times: 2, plus: 0.02, unknown: 0.2 },
  { signal: "saturation", times: 1.3, plus: 0.1, unknown: 0.9 },
  { signal: "restarts", times: 1, plus: 0.5, unknown: 1.5 },
];

/**
 * Pure: why a service is ill by its own signals, in words; undefined when it is not.
 *
 * @param before the same signals before the incident, as far as they are known
 */
export function illnessOf(now: Vitals, before: Vitals): string | undefined {
  if (now.up === 0) return "it does not answer";
  for (const { signal, times, plus, unknown } of OVER) {
    const value = now[signal];
    const base = before[signal];
    const bound = base === undefined ? unknown : base * times + plus;
    if (value !== undefined && value > bound)
      return `its ${signal} is ${Number(value.toPrecision(4))}, over ${Number(bound.toPrecision(4))}`;
  }
  return undefined;
}
