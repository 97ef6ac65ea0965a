import type { SignalName } from "@tocsin/contracts";
import type { Clock } from "@tocsin/runtime";
import type { Signals } from "@tocsin/signals";

export type Values = Partial<Record<SignalName, number>>;

export interface FakeSignals extends Signals {
  /** What the signals of a service are now. */
  now: (service: string) => Values;
  /** What they were before the incident. */
  before: (service: string) => Values;
  /** What any PromQL answers now. */
  promql: (query: string) => number | undefined;
  lines: string[];
  /** When the incident began, Unix seconds: a window that ends before it answers with what was before. */
  incidentStart: number;
  /** How old the youngest sample is, in seconds. */
  ageSeconds: number;
}

/** Signals that are what the test says. */
export function fakeSignals(clock: Clock, incidentStart: number): FakeSignals {
  const answer = <T>(value: T) => Promise.resolve({ value, partial: [] });
  const fake: FakeSignals = {
    now: () => ({ up: 1, error_ratio: 0, latency_p95: 0.05, memory: 8e7, cpu: 0.05, request_rate: 5 }),
    before: () => ({ up: 1, error_ratio: 0, latency_p95: 0.05, memory: 8e7, cpu: 0.05, request_rate: 5 }),
    promql: () => undefined,
    lines: [],
    incidentStart,
    ageSeconds: 1,
    metrics: {
      signals: (services, signals, window) => {
        const isPast = window.to < fake.incidentStart;
        const at = isPast ? window.to : Math.min(window.to, clock.now() / 1_000 - fake.ageSeconds);
        return answer(
          services.flatMap((service) =>
            signals.flatMap((signal) => {
              const value = (isPast ? fake.before : fake.now)(service)[signal];
              if (value === undefined || at < window.from) return [];
              const samples = [at - 30, at - 15, at].map((time) => [time, value] as const);
              return [{ service, signal, samples, query: signal }];
            }),
          ),
        );
      },
      current: (service, signal) => answer(fake.now(service)[signal]),
      queryRange: () => answer([]),
      query: (promql) => {
        const value = fake.promql(promql);
        return answer(value === undefined ? [] : [{ labels: {}, samples: [[clock.now() / 1_000, value] as const] }]);
      },
      services: () => answer([]),
      ping: async () => {},
    },
    logs: {
      lines: (service, window) => answer(fake.lines.map((message) => ({ at: window.to, service, level: "error" as const, message }))),
      ping: async () => {},
    },
    traces: { edges: () => answer([]), notable: () => answer([]), ping: async () => {} },
    topology: { current: async () => ({ services: [] }) },
    changes: { between: () => answer([]) },
  };
  return fake;
}
