import type { SignalName } from "@tocsin/contracts";

/** What makes a signal bad, how it spreads, and how small a change is still noise whatever the baseline says. */
export interface SignalTraits {
  /** The direction that hurts. */
  readonly bad: "up" | "down" | "either";
  /**
   * `own`: only the service itself can cause it. `symptom`: a caller shows it when a callee is ill. `load`: follows the traffic, says
   * nothing about who is at fault.
   */
  readonly spreads: "own" | "symptom" | "load";
  /** A change below this share of the baseline is noise. */
  readonly relativeFloor: number;
  /** A change below this is noise, in the signal's unit. */
  readonly absoluteFloor: number;
  readonly unit: string;
  /** A sample below this cannot be: it comes from a counter that was reset. */
  readonly least: number;
  /** How much a strong deviation counts among causes. */
  readonly weight: number;
  readonly words: string;
}

export const SIGNAL_TRAITS: Readonly<Record<SignalName, SignalTraits>> = {
  up: { bad: "down", spreads: "own", relativeFloor: 0, absoluteFloor: 0.2, unit: "", least: 0, weight: 1.4, words: "reachability" },
  request_rate: {
    bad: "either",
    spreads: "load",
    relativeFloor: 0.15,
    absoluteFloor: 0.2,
    unit: "/s",
    least: 0,
    weight: 0,
    words: "request rate",
  },
  error_ratio: {
    bad: "up",
    spreads: "symptom",
    relativeFloor: 0.05,
    absoluteFloor: 0.004,
    unit: "ratio",
    least: 0,
    weight: 1,
    words: "error ratio",
  },
  latency_p95: {
    bad: "up",
    spreads: "symptom",
    relativeFloor: 0.03,
    absoluteFloor: 0.0005,
    unit: "s",
    least: 0,
    weight: 1,
    words: "latency",
  },
  cpu: { bad: "up", spreads: "own", relativeFloor: 0.08, absoluteFloor: 0.01, unit: "cores", least: 0, weight: 1, words: "CPU" },
  memory: { bad: "up", spreads: "own", relativeFloor: 0.04, absoluteFloor: 1_000_000, unit: "B", least: 0, weight: 1, words: "memory" },
  // It rises and falls with every collection and grows while a process warms up: only what keeps growing by much is told.
  heap: { bad: "up", spreads: "own", relativeFloor: 0.3, absoluteFloor: 20_000_000, unit: "B", least: 0, weight: 0.8, words: "heap" },
  oom_kills: { bad: "up", spreads: "own", relativeFloor: 0, absoluteFloor: 0.15, unit: "", least: 0, weight: 1.3, words: "OOM kills" },
  restarts: { bad: "up", spreads: "own", relativeFloor: 0, absoluteFloor: 0.15, unit: "", least: 0, weight: 1.2, words: "restarts" },
  event_loop_lag: {
    bad: "up",
    spreads: "own",
    relativeFloor: 0.2,
    absoluteFloor: 0.01,
    unit: "s",
    least: 0,
    weight: 0.8,
    words: "event-loop lag",
  },
  saturation: {
    bad: "up",
    spreads: "symptom",
    relativeFloor: 0.1,
    absoluteFloor: 0.05,
    unit: "ratio",
    least: 0,
    weight: 0.5,
    words: "saturation",
  },
};
