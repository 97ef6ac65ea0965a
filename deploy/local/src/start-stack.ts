import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@tocsin/testkit";
import { type LogAgent, startLogAgent } from "./log-agent/log-agent.ts";
import { LAB_RULES, missingPart, PARTS, type PartName, type PartSurroundings, type RunningPart, startPart } from "./parts.ts";
import { type RunningService, startService } from "./service-process.ts";
import { envOf, type PartAddresses, type Replica, type Replicas, replicasOf, type ServiceName } from "./services.ts";

export interface StackOptions {
  /** Where data and logs are kept. Default: a temporary folder that `stop` removes. */
  readonly folder?: string;
  /** Which parts to start. Default: all but Loki and Docker. One that cannot be had here is left out and told to `onMissing`. */
  readonly parts?: readonly PartName[];
  /** How many processes of each service; default 1, 0 leaves it out. */
  readonly replicas?: Replicas;
  /** Settings of every service; they win. */
  readonly env?: Readonly<Record<string, string>>;
  /** Settings of some; they win over `env`. @param replica e.g. `correlator-2` */
  readonly envOf?: (service: ServiceName, replica: string) => Readonly<Record<string, string>>;
  /** Settings of every service that are known only when the parts run; `env` wins. */
  readonly envOfParts?: (parts: ReadonlyMap<PartName, RunningPart>) => Readonly<Record<string, string>>;
  /** Where the console listens, and with it everything that a browser needs. Default: a free port. */
  readonly consolePort?: number;
  /** How Prometheus and Postgres are set up. */
  readonly around?: Partial<Pick<PartSurroundings, "interval" | "httpSdUrl" | "ruleFiles" | "durable">>;
  /** What has started or is missing, as it happens. */
  readonly onProgress?: (line: string) => void;
  /** What has come into being, as it happens, so that a supervisor can note it. */
  readonly onPart?: (part: RunningPart) => void;
  readonly onService?: (id: string, service: RunningService) => void;
  /** A service did not start. Default: the whole start fails. */
  readonly onFailure?: (replica: Replica, error: Error) => void;
}

export interface RunningStack {
  /** Of the console: everything that a browser needs. Undefined without a console. */
  readonly address: string | undefined;
  readonly folder: string;
  readonly labUrl: string;
  readonly parts: ReadonlyMap<PartName, RunningPart>;
  /** Every process that was asked for, whether it runs now or not. */
  readonly replicas: readonly Replica[];
  /** By `<service>-<n>`; the one that runs now, or ran last. */
  readonly services: ReadonlyMap<string, RunningService>;
  /** Ships the logs to Loki; undefined without one of ours. */
  readonly logAgent: LogAgent | undefined;
  /** @throws Error when the stack has none */
  part(name: PartName): RunningPart;
  /** @param id `correlator-2`, or `correlator` for the first. @throws Error when the stack has none */
  service(id: string): RunningService;
  /** Starts a process anew on the same port with the same settings, after it has ended. */
  restart(id: string, env?: Readonly<Record<string, string>>): Promise<RunningService>;
  /** Ends everything, services first; removes the folder unless it was given. May be called twice. */
  stop(): Promise<void>;
}

/** Which parts a stack has unless it is told. Loki and Docker take longer to have and are asked for. */
export const DEFAULT_PARTS: readonly PartName[] = ["postgres", "kafka", "redis", "prometheus", "alertmanager"];

/**
 * Starts real parts and every service of Tocsin as its own process, on free ports of 127.0.0.1. Parts start side by side, then all
 * services do.
 *
 * A store or bus of one's own is given by `TOCSIN_STORE_URL` and so on in `env`; the part is then not started.
 *
 * @throws Error naming what did not start, with what it printed last; everything that had started is stopped
 */
export async function startStack(options: StackOptions = {}): Promise<RunningStack> {
  const { env = {}, onProgress = () => {}, around = {} } = options;
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "tocsin-stack-")));
  if (options.folder === undefined) await chmod(folder, 0o711); // Postgres runs as another user
  await mkdir(join(folder, "logs"), { recursive: true });
  const logOf = (name: string) => join(folder, "logs", `${name}.log`);

  const wanted = PARTS.filter((name) => (options.parts ?? DEFAULT_PARTS).includes(name) && env[GIVEN_BY[name] ?? ""] === undefined);
  const missing = new Map(wanted.flatMap((name) => [[name, missingPart(name)] as const]).filter(([, why]) => why !== undefined));
  for (const [name, why] of missing) onProgress(`${name}: left out, ${why}`);
  const having = wanted.filter((name) => !missing.has(name));

  const ports = await distinctPorts(PARTS.length + Object.values(options.replicas ?? {}).reduce((sum, count) => sum + count, 8) + 1);
  const portOf = new Map(PARTS.map((name) => [name, ports.pop() as number]));
  const labPort = ports.pop() as number;
  const labUrl = `http://127.0.0.1:${labPort}`;
  const replicas = replicasOf(options.replicas ?? {}, ports).map((replica) =>
    replica.id === "console-1" && options.consolePort !== undefined ? { ...replica, port: options.consolePort } : replica,
  );
  const bridge = replicas.find(({ service }) => service === "bridge");
  const surroundings: PartSurroundings = {
    labUrl,
    bridgeUrl: `http://127.0.0.1:${bridge?.port ?? 9}`,
    alertmanager: having.includes("alertmanager") ? `127.0.0.1:${portOf.get("alertmanager")}` : undefined,
    interval: "2s",
    httpSdUrl: undefined,
    ruleFiles: [LAB_RULES],
    durable: options.folder !== undefined,
    ...around,
  };

  const parts = new Map<PartName, RunningPart>();
  const services = new Map<string, RunningService>();
  let logAgent: LogAgent | undefined;
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      // The lab ends last of the services, so that nothing looks broken while the others stop.
      const running = [...services].filter(([id]) => !id.startsWith("lab-"));
      await Promise.all(running.map(([, service]) => service.stop()));
      await Promise.all([...services.values()].map((service) => service.stop()));
      await logAgent?.stop();
      await Promise.all([...parts.values()].map((part) => part.stop()));
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    })();
    return stopping;
  };

  const envs = new Map<string, Readonly<Record<string, string>>>();
  const begin = async (replica: Replica, more: Readonly<Record<string, string>> = {}): Promise<RunningService> => {
    const running = await startService(replica.service, { env: { ...envs.get(replica.id), ...more }, logFile: logOf(replica.id) });
    services.set(replica.id, running);
    options.onService?.(replica.id, running);
    return running;
  };
  try {
    await allOrFirstError(
      having.map(async (name) => {
        const startedAt = performance.now();
        const part = await startPart(
          name,
          { folder: join(folder, name), port: portOf.get(name) as number, logFile: logOf(name) },
          surroundings,
        );
        parts.set(name, part);
        options.onPart?.(part);
        onProgress(`${name} ${part.version}: ${part.address} (${seconds(startedAt)})`);
      }),
    );
    const addresses = addressesOf(parts);
    const loki = parts.get("loki");
    if (loki !== undefined)
      logAgent = await startLogAgent({
        lokiUrl: loki.address,
        labUrl: replicas.some(({ service }) => service === "lab") ? labUrl : undefined,
        files: replicas.map((replica) => ({ replica, path: logOf(replica.id) })),
        tell: onProgress,
      });
    for (const replica of replicas)
      envs.set(replica.id, {
        ...envOf(replica, replicas, labPort, addresses),
        ...options.envOfParts?.(parts),
        ...env,
        ...options.envOf?.(replica.service, replica.id),
      });
    await allOrFirstError(
      replicas.map(async (replica) => {
        const startedAt = performance.now();
        try {
          const { address } = await begin(replica);
          onProgress(`${replica.id}: ${address} (${seconds(startedAt)})`);
        } catch (error) {
          if (options.onFailure === undefined) throw error;
          options.onFailure(replica, error as Error);
        }
      }),
    );
  } catch (error) {
    await stop();
    throw error;
  }

  const consoleReplica = replicas.find(({ service }) => service === "console");
  const idOf = (id: string): string => (/-\d+$/.test(id) ? id : `${id}-1`);
  return {
    address: consoleReplica && `http://127.0.0.1:${consoleReplica.port}`,
    folder,
    labUrl,
    parts,
    replicas,
    services,
    logAgent,
    part: (name) => parts.get(name) ?? fail(`the stack has no ${name}; it has ${[...parts.keys()].join(", ")}`),
    service: (id) => services.get(idOf(id)) ?? fail(`no ${idOf(id)} runs; known: ${[...services.keys()].join(", ")}`),
    restart(id, more) {
      const replica = replicas.find((one) => one.id === idOf(id)) ?? fail(`the stack has no ${idOf(id)}`);
      return begin(replica, more);
    },
    stop,
  };
}

/** A setting that says where one's own server is, by the part that is then not started. */
export const GIVEN_BY: Readonly<Partial<Record<PartName, string>>> = {
  postgres: "TOCSIN_STORE_URL",
  kafka: "TOCSIN_BUS_URL",
  redis: "TOCSIN_CACHE_URL",
  prometheus: "TOCSIN_METRICS_URL",
  loki: "TOCSIN_LOGS_URL",
};

/** Pure: without Kafka the bus is a table of Postgres, without Redis each process remembers for itself, without the rest one asks the lab. */
function addressesOf(parts: ReadonlyMap<PartName, RunningPart>): PartAddresses {
  return {
    storeUrl: parts.get("postgres")?.address ?? "",
    busUrl: parts.get("kafka")?.address ?? "embedded:",
    cacheUrl: parts.get("redis")?.address ?? "memory:",
    metricsUrl: parts.get("prometheus")?.address ?? "embedded:",
    logsUrl: parts.get("loki")?.address ?? "embedded:",
    alerting: parts.has("prometheus") && parts.has("alertmanager"),
  };
}

async function distinctPorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

/** Waits for all, also when one fails, so that nothing comes into being behind the back of whoever stops the rest. */
async function allOrFirstError(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

const seconds = (startedAt: number): string => `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`;
const fail = (message: string): never => {
  throw new Error(message);
};
