// Every number that decides a grouping, in one place: one configuration for all fleets.

/** What each kind of evidence weighs, from 0 to 1; negative speaks against. Sums are compared with `joinAt`. */
export interface EvidenceWeights {
  /** The same alert fires again. */
  readonly sameAlert: number;
  /** The same rule on the same service: equal incident key. */
  readonly incidentKey: number;
  /** Another rule on the same service. */
  readonly sameService: number;
  /** A dependency path of 1, 2, 3 … calls between the two; none beyond the last. */
  readonly topology: readonly number[];
  /** Both depend on something silent that would explain both, times how much of what depends on it is alerting. */
  readonly commonDependency: number;
  /** The topology knows both and no path connects them. */
  readonly apart: number;
  /** Started at the same moment; falls linearly to nothing at `windowMs`. */
  readonly time: number;
  /** Outside the window, but the incident is still firing. */
  readonly stillFiring: number;
  /** Equal value of a label that names shared infrastructure, by {@link INFRASTRUCTURE_LABELS} kind. */
  readonly infrastructure: Readonly<Record<InfrastructureKind, number>>;
  /** An alert about the host itself is among the members, or three services of that host are. */
  readonly hostFault: number;
  readonly rule: number;
  readonly template: number;
  /** One alert's text names the other's service. */
  readonly mention: number;
  /** The two have always come together so far. */
  readonly cooccurrence: number;
  /** The sender grouped them. */
  readonly groupKey: number;
  /** It names no service, and of what is near in time one incident stands out. */
  readonly onlyCandidate: number;
  /** Neither is known to the topology, and both names begin alike, as names of one product do. */
  readonly nameFamily: number;
  /** Neither names a service, and both are about one namespace. */
  readonly sameNamespaceSubject: number;
  /** Rule names that share most of their words. */
  readonly similarRule: number;
}

export type InfrastructureKind = "host" | "instance" | "database" | "deployment" | "cluster" | "namespace";

/** Which labels name which infrastructure. The first one present of a kind counts. */
export const INFRASTRUCTURE_LABELS: Readonly<Record<InfrastructureKind, readonly string[]>> = {
  host: ["node", "host", "hostname", "nodename", "kubernetes_node", "vm"],
  instance: ["instance", "pod"],
  database: ["database", "db", "datname", "db_instance", "db_name"],
  deployment: ["deployment", "statefulset", "daemonset", "release", "rollout"],
  cluster: ["cluster", "k8s_cluster"],
  namespace: ["namespace", "exported_namespace", "kubernetes_namespace"],
};

export interface CorrelationConfig {
  readonly weights: EvidenceWeights;
  /** An alert joins the incident with the greatest sum that reaches this. */
  readonly joinAt: number;
  /** Two incidents that one later alert belongs to are merged when what ties them reaches this. */
  readonly mergeAt: number;
  /** How near in time counts as together, in milliseconds (sliding). */
  readonly windowMs: number;
  /** Beyond this gap only the same service still joins a firing incident at full weight, in milliseconds. */
  readonly maxWindowMs: number;
  /** Beyond this gap a firing incident takes nothing new but its own alerts, in milliseconds. */
  readonly staleMs: number;
  /**
   * How long what belongs together may take to show itself, in milliseconds: an alert that names no service is given to another incident
   * only after it, and an incident that has recovered takes in stragglers as long.
   */
  readonly settleMs: number;
  /** This many transitions … */
  readonly flappingTransitions: number;
  /** … within this time are flapping, in milliseconds. */
  readonly flappingWindowMs: number;
  /** A flapping alert counts as resolved after this much quiet, in milliseconds. */
  readonly flappingHoldMs: number;
  /** How many calls away a cause is still looked for. */
  readonly maxHops: number;
  /** What more services than this depend on says nothing about any two of them. */
  readonly hubDependents: number;
  /** Half-life of learned pairs, in milliseconds. */
  readonly pairHalfLifeMs: number;
  /** Pairs seen less often than this say nothing. */
  readonly pairMinimum: number;
  /** `alertname`s of dead-man switches: always firing, never an incident. */
  readonly watchdogNames: readonly string[];
}

const MINUTE = 60_000;

export const DEFAULT_CORRELATION: CorrelationConfig = {
  weights: {
    sameAlert: 1,
    incidentKey: 0.9,
    sameService: 0.7,
    topology: [0.6, 0.5, 0.44, 0.38, 0.32, 0.28],
    commonDependency: 0.5,
    apart: -0.35,
    time: 0.25,
    stillFiring: 0.1,
    infrastructure: { host: 0.35, instance: 0.5, database: 0.45, deployment: 0.5, cluster: 0.02, namespace: 0.05 },
    hostFault: 0.3,
    rule: 0.08,
    template: 0.07,
    mention: 0.35,
    cooccurrence: 0.4,
    groupKey: 0.08,
    onlyCandidate: 0.2,
    nameFamily: 0.24,
    sameNamespaceSubject: 0.3,
    similarRule: 0.15,
  },
  joinAt: 0.5,
  mergeAt: 0.5,
  windowMs: 5 * MINUTE,
  maxWindowMs: 15 * MINUTE,
  staleMs: 60 * MINUTE,
  settleMs: 30_000,
  flappingTransitions: 3,
  flappingWindowMs: 30 * MINUTE,
  flappingHoldMs: 2 * MINUTE,
  maxHops: 6,
  hubDependents: 12,
  pairHalfLifeMs: 14 * 24 * 60 * MINUTE,
  pairMinimum: 3,
  watchdogNames: ["Watchdog", "DeadMansSwitch", "InfoInhibitor"],
};
