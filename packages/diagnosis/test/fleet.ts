// A small fleet of services as its metrics would show it, with faults: what the tests diagnose.
import type { Change, LogLine, Sample, SignalName, SignalSeries, Topology } from "@tocsin/contracts";
import type { DiagnosisInput } from "../src/input.ts";

export const TOPOLOGY: Topology = {
  services: [
    { id: "storefront", dependsOn: ["catalog", "cart", "checkout"], labels: {} },
    { id: "catalog", dependsOn: ["inventory"], labels: {} },
    { id: "cart", dependsOn: ["catalog"], labels: {} },
    { id: "checkout", dependsOn: ["cart", "payments", "inventory"], labels: {} },
    { id: "payments", dependsOn: [], labels: {} },
    { id: "inventory", dependsOn: [], labels: {} },
  ],
};
export const SERVICES = TOPOLOGY.services.map((service) => service.id);
export const FROM = 1_780_000_000;
export const SPLIT = FROM + 300;
export const TO = SPLIT + 90;
const STEP = 5;

const NORMAL: Readonly<Record<SignalName, number>> = {
  up: 1,
  request_rate: 8,
  error_ratio: 0,
  latency_p95: 0.02,
  cpu: 0.04,
  memory: 80_000_000,
  heap: 30_000_000,
  oom_kills: 0,
  restarts: 0,
  event_loop_lag: 0.011,
  saturation: 0.1,
};

/** Deterministic noise in [-1, 1). */
function noiseOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** What a fault does to a signal: `after` seconds into the incident (0 and more). NaN is a gap. */
export type Effect = (normal: number, after: number) => number;
export interface Scenario {
  readonly effects?: Readonly<Record<string, Partial<Record<SignalName, Effect>>>>;
  readonly alerts: readonly { readonly name: string; readonly service?: string }[];
  readonly logs?: readonly LogLine[];
  readonly changes?: readonly Change[];
  readonly missing?: readonly string[];
  readonly seed?: number;
}

export function fleetInput(scenario: Scenario): DiagnosisInput {
  const noise = noiseOf(scenario.seed ?? 7);
  const series: SignalSeries[] = [];
  for (const service of SERVICES) {
    for (const [signal, normal] of Object.entries(NORMAL) as [SignalName, number][]) {
      const effect = scenario.effects?.[service]?.[signal];
      const samples: Sample[] = [];
      for (let at = FROM; at < TO; at += STEP) {
        const jitter = signal === "up" || signal === "restarts" || signal === "error_ratio" ? 0 : normal * 0.04 * noise();
        const plain = normal + jitter;
        samples.push([at, at >= SPLIT && effect ? effect(plain, at - SPLIT) : plain]);
      }
      series.push({ service, signal, samples, query: `${signal}{service="${service}"}` });
    }
  }
  return {
    window: { from: FROM, splitAt: SPLIT, to: TO },
    members: scenario.alerts.map((alert, index) => ({
      fingerprint: `000000000000000${index}`,
      name: alert.name,
      ...(alert.service === undefined ? {} : { service: alert.service }),
      severity: "critical",
      role: index === 0 ? "root" : "symptom",
      startsAt: new Date((SPLIT + 30) * 1_000).toISOString(),
      annotations: {},
    })),
    series,
    logs: scenario.logs ?? [],
    spans: [],
    edges: { baseline: [], incident: [] },
    topology: TOPOLOGY,
    changes: scenario.changes ?? [],
    missing: scenario.missing ?? [],
    now: TO,
    evidenceId: (content) => `ev_${content}`,
  };
}

export const add =
  (amount: number): Effect =>
  (normal) =>
    normal + amount;
export const times =
  (factor: number): Effect =>
  (normal) =>
    normal * factor;
export const becomes =
  (value: number): Effect =>
  () =>
    value;

export const lines = (service: string, level: LogLine["level"], message: string, count: number, from = SPLIT + 5): LogLine[] =>
  Array.from({ length: count }, (_, i) => ({ at: from + i * 2, service, level, message: message.replace("#", String(1_000 + i * 37)) }));

export const change = (service: string, kind: Change["kind"], secondsBefore: number, text: string): Change => ({
  id: `chg-${service}`,
  at: new Date((SPLIT - secondsBefore) * 1_000).toISOString(),
  service,
  kind,
  text,
  version: "1.1.0",
  previousVersion: "1.0.0",
});

const slowCallers: Scenario["effects"] = {
  checkout: { latency_p95: times(20) },
  storefront: { latency_p95: times(22) },
};

/** The lab's faults as the fleet would show them; the service that was hurt is the truth. */
export const FAULTS: Readonly<Record<string, { readonly truth: string; readonly kinds: readonly string[]; readonly scenario: Scenario }>> =
  {
    "memory-leak": {
      truth: "payments",
      kinds: ["resource"],
      scenario: {
        effects: { payments: { memory: (normal, after) => normal + after * 2_000_000, event_loop_lag: times(1.5) } },
        alerts: [{ name: "MemoryHigh", service: "payments" }],
      },
    },
    "out of memory, killed once": {
      truth: "cart",
      kinds: ["resource"],
      scenario: {
        effects: {
          cart: {
            oom_kills: (_, after) => (after > 20 ? 1 : 0),
            memory: (normal, after) => (after > 20 ? normal : normal + after * 8_000_000),
            heap: (normal, after) => (after > 20 ? normal : normal + after * 8_000_000),
            error_ratio: add(0.3),
          },
          checkout: { error_ratio: add(0.25) },
        },
        alerts: [{ name: "ContainerOomKilled", service: "cart" }],
      },
    },
    "crash-loop": {
      truth: "cart",
      kinds: ["crash"],
      scenario: {
        effects: {
          cart: {
            up: (_, after) => (after % 20 < 10 ? 0 : 1),
            restarts: (_, after) => Math.floor(after / 20) + 1,
            request_rate: times(0.4),
            memory: times(0.6),
          },
          checkout: { error_ratio: add(0.5) },
          storefront: { error_ratio: add(0.45), latency_p95: times(1.4) },
        },
        logs: [
          ...lines("cart", "error", "fatal: cannot read configuration key CART_TTL, exiting", 6),
          ...lines("checkout", "error", "request # to cart failed: ECONNREFUSED", 20),
        ],
        changes: [change("cart", "configuration", 10, "CART_TTL was changed")],
        alerts: [
          { name: "HighErrorRatio", service: "storefront" },
          { name: "HighErrorRatio", service: "checkout" },
          { name: "ServiceDown", service: "cart" },
        ],
      },
    },
    "error-burst": {
      truth: "payments",
      kinds: ["change", "code-error"],
      scenario: {
        effects: {
          payments: { error_ratio: add(0.4) },
          checkout: { error_ratio: add(0.42) },
          storefront: { error_ratio: add(0.2) },
        },
        logs: [...lines("payments", "error", "TypeError: cannot read properties of undefined in charge #", 30)],
        changes: [change("payments", "deployment", 5, "release 1.1.0")],
        alerts: [
          { name: "HighErrorRatio", service: "storefront" },
          { name: "HighErrorRatio", service: "checkout" },
          { name: "HighErrorRatio", service: "payments" },
        ],
      },
    },
    latency: {
      truth: "inventory",
      kinds: ["dependency-latency"],
      scenario: {
        effects: {
          inventory: { latency_p95: times(40) },
          catalog: { latency_p95: times(41) },
          cart: { latency_p95: times(38) },
          ...slowCallers,
        },
        alerts: [
          { name: "HighLatency", service: "storefront" },
          { name: "HighLatency", service: "checkout" },
          { name: "HighLatency", service: "catalog" },
        ],
      },
    },
    hang: {
      truth: "payments",
      kinds: ["hang"],
      scenario: {
        effects: {
          payments: Object.fromEntries(
            (Object.keys(NORMAL) as SignalName[]).map((signal) => [signal, signal === "up" ? becomes(0) : becomes(Number.NaN)]),
          ),
          checkout: { error_ratio: add(0.6), latency_p95: times(60), saturation: add(0.8) },
          storefront: { error_ratio: add(0.3), latency_p95: times(50) },
        },
        logs: lines("checkout", "error", "call to payments timed out after # ms", 25),
        alerts: [
          { name: "HighErrorRatio", service: "storefront" },
          { name: "HighLatency", service: "checkout" },
        ],
      },
    },
    "cpu-spin": {
      truth: "catalog",
      kinds: ["resource"],
      scenario: {
        effects: {
          catalog: { cpu: add(0.9), event_loop_lag: add(0.4), latency_p95: times(12) },
          cart: { latency_p95: times(9) },
          checkout: { latency_p95: times(8) },
          storefront: { latency_p95: times(11) },
        },
        alerts: [
          { name: "HighLatency", service: "storefront" },
          { name: "HighCpu", service: "catalog" },
        ],
      },
    },
  };
