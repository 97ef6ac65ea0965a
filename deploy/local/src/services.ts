// Terms. A *part* is a server that is not ours (Kafka, Postgres, …). A *service* is one module of Tocsin in a process of its own; a
// *replica* is one of several processes of the same service and is named `<service>-<number>`.
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** In the order in which they are shown. */
export const SERVICES = ["lab", "correlator", "sre-agent", "executor", "gitlab-sync", "chaos-api", "bridge", "console"] as const;
export type ServiceName = (typeof SERVICES)[number];

export type Replicas = Readonly<Partial<Record<ServiceName, number>>>;

/** One process to be: which service, which of its replicas, and where it will listen. */
export interface Replica {
  readonly id: string;
  readonly service: ServiceName;
  readonly port: number;
}

/** Where the parts are, as the services' settings want it. */
export interface PartAddresses {
  readonly storeUrl: string;
  readonly busUrl: string;
  readonly cacheUrl: string;
  readonly metricsUrl: string;
  readonly logsUrl: string;
  /** Does a Prometheus evaluate the rules and an Alertmanager deliver? Otherwise the lab does both itself. */
  readonly alerting: boolean;
}

/** Pure: how many of each service, as `<service>-<n>`, ports in the same order. */
export function replicasOf(counts: Replicas, ports: readonly number[]): Replica[] {
  const wanted = SERVICES.flatMap((service) =>
    Array.from({ length: counts[service] ?? 1 }, (_, index) => ({ id: `${service}-${index + 1}`, service })),
  );
  return wanted.map((replica, index) => ({ ...replica, port: ports[index] as number }));
}

const originOf = (port: number): string => `http://127.0.0.1:${port}`;

/**
 * Pure: the settings of one process. Every process gets the same addresses of the parts; each reads only what its module needs.
 *
 * @param replicas all processes of the stack: the console passes on to them, the lab posts to the first bridge
 * @param labPort where the lab's own API listens (its services and their faults)
 */
export function envOf(replica: Replica, replicas: readonly Replica[], labPort: number, parts: PartAddresses): Record<string, string> {
  const { service, port } = replica;
  const originsOf = (name: ServiceName) => replicas.filter((other) => other.service === name).map((other) => originOf(other.port));
  const runbooks = join(ROOT, "runbooks");
  const common = {
    TOCSIN_MODULES: service,
    TOCSIN_HOST: "127.0.0.1",
    TOCSIN_PORT: String(port),
    TOCSIN_STORE_URL: parts.storeUrl,
    TOCSIN_BUS_URL: parts.busUrl,
    TOCSIN_CACHE_URL: parts.cacheUrl,
    TOCSIN_METRICS_URL: parts.metricsUrl,
    TOCSIN_LOGS_URL: parts.logsUrl,
    TOCSIN_LAB_URL: originOf(labPort),
  };
  switch (service) {
    case "lab":
      return {
        ...common,
        TOCSIN_LAB_PORT: String(labPort),
        TOCSIN_LAB_RULER: parts.alerting ? "off" : "on",
        TOCSIN_LAB_WEBHOOK_URL: `${originsOf("bridge")[0] ?? originOf(port)}/webhooks/alertmanager`,
      };
    case "console": {
      const upstreams = (["bridge", "correlator", "sre-agent", "executor", "chaos-api"] as const).flatMap((name) => {
        const origins = originsOf(name);
        return origins.length === 0 ? [] : [`${name}=${origins.join("|")}`];
      });
      return { ...common, TOCSIN_CONSOLE_RUNBOOKS_DIR: runbooks, TOCSIN_CONSOLE_UPSTREAMS: upstreams.join(",") };
    }
    case "executor":
      return { ...common, TOCSIN_EXECUTOR_RUNBOOKS_DIR: runbooks };
    case "sre-agent":
      return { ...common, TOCSIN_SRE_AGENT_RUNBOOKS_DIR: runbooks };
    default:
      return common;
  }
}
