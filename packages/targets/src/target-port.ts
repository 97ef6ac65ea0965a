// Terms. A *target* is a managed service or container that steps act on; it has one or more *replicas*. A *revision* is
// what runs: version and configuration. A *rollback* goes to the revision before.
export interface Replica {
  readonly id: string;
  readonly state: "running" | "restarting" | "exited" | "created" | "paused";
  readonly healthy: boolean;
  readonly startedAt?: string;
  readonly restarts: number;
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
}

export interface Target {
  /** The service's name; what a runbook's parameter `service` names. */
  readonly id: string;
  readonly managed: boolean;
  readonly replicas: readonly Replica[];
  readonly revision: string;
  readonly previousRevision?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What its owner allows to be set, by name, as it is now; null: no value of its own. Absent: nothing may be set. */
  readonly config?: Readonly<Record<string, string | null>>;
}

/** What an act did: enough to journal it and to reverse it. */
export interface ActResult {
  readonly text: string;
  /** Before and after, for the journal. */
  readonly before: Target;
  readonly after: Target;
  /** Why some replicas were left alone: the one before them did not come back, or was the last healthy one. Absent: all were done. */
  readonly incomplete?: string;
}

/** Options of every acting call. `operationId` is deterministic: the same id is the same act, done once. */
export interface ActOptions {
  readonly operationId: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A one-off hardened container; `argv` is never a shell string. */
export interface OneOff {
  readonly name: string;
  readonly image: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly network?: string;
  readonly timeoutMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly onOutput?: (chunk: string) => void;
  readonly signal?: AbortSignal;
}
export interface OneOffResult {
  readonly exitCode: number | undefined;
  readonly output: string;
  readonly timedOut: boolean;
  /** True when a container of that name had been there already and was attached to instead of run again. */
  readonly resumed: boolean;
}

/** Something that happened to a replica, as soon as it happened: the kernel killed it for its memory, or anything else worth a look. */
export interface TargetEvent {
  readonly replica: string;
  readonly what: "oom" | "changed";
}

/**
 * What can be acted on. Only the executor holds one that acts.
 * Errors: `TARGET_UNKNOWN` (details.known names what there is), `TARGET_UNMANAGED`, `TARGET_UNAVAILABLE` (retryable),
 * `TARGET_NO_PREVIOUS`, `TARGET_CONFIG_REFUSED`, `TARGET_TIMEOUT`, `TARGET_UNSUPPORTED`.
 *
 * Whatever takes a replica out of service is done to one at a time: the ill ones first, each has to be healthy again before the next, and the last
 * healthy one of several is never taken. Where that ends an act early, `ActResult.incomplete` says why. `stop` and `start` mean all.
 */
export interface TargetPort {
  readonly kind: "lab" | "docker" | "none";
  list(): Promise<readonly Target[]>;
  get(id: string): Promise<Target>;
  /**
   * Tells what happens to replicas until the source ends or `signal` aborts; then it resolves. Absent where only looking tells.
   * @throws AppError `TARGET_UNAVAILABLE`
   */
  watch?(onEvent: (event: TargetEvent) => void, signal: AbortSignal): Promise<void>;
  restart(id: string, options: ActOptions): Promise<ActResult>;
  start(id: string, options: ActOptions): Promise<ActResult>;
  stop(id: string, options: ActOptions): Promise<ActResult>;
  /** To the previous revision, or to the named one (which is how a rollback is undone). */
  rollback(id: string, options: ActOptions & { readonly toRevision?: string }): Promise<ActResult>;
  /** Sets one value of `Target.config`; null takes it away. The same value again changes nothing. */
  configure(id: string, change: { readonly name: string; readonly value: string | null }, options: ActOptions): Promise<ActResult>;
  /** Makes the containers anew from the same image and settings; volumes stay. */
  recreate(id: string, options: ActOptions): Promise<ActResult>;
  /** Leaves and joins its networks, under the same names. */
  reconnect(id: string, options: ActOptions): Promise<ActResult>;
  scale(id: string, replicas: number, options: ActOptions): Promise<ActResult>;
  logs(id: string, options: { readonly tail: number; readonly sinceSeconds?: number }): Promise<string>;
  stats(id: string): Promise<Readonly<Record<string, number>>>;
  runOneOff(spec: OneOff): Promise<OneOffResult>;
  /** Removes what earlier runs left behind. @returns how many */
  reap(): Promise<number>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
