import { execFileSync } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import {
  findProgram,
  isKafkaKept,
  isLokiKept,
  KAFKA_VERSION,
  LOKI_VERSION,
  type Place,
  type RunningProcess,
  startAlertmanager,
  startDockerd,
  startKafka,
  startLoki,
  startPostgres,
  startPrometheus,
  startRedis,
} from "@tocsin/testkit";
import { reachableByPostgres } from "./postgres-folder.ts";
import type { Exit } from "./service-process.ts";
import { ROOT } from "./services.ts";

export const PARTS = ["postgres", "kafka", "redis", "prometheus", "alertmanager", "loki", "docker"] as const;
export type PartName = (typeof PARTS)[number];

export interface RunningPart {
  readonly name: PartName;
  readonly version: string;
  /** What a client is told: `postgres://…`, `kafka://…`, `http://…`, the path of Docker's socket. */
  readonly address: string;
  /** Undefined while it is halted, and for a Docker engine that ran before us. */
  pid(): number | undefined;
  healthy(): Promise<boolean>;
  /** When the process that runs now ends; never for a shared one. */
  exited(): Promise<Exit>;
  /** Ends it; its data stays. `SIGKILL` is a crash. */
  halt(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same data and port. */
  resume(): Promise<void>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

/** What the parts have to know of the rest of the stack. */
export interface PartSurroundings {
  readonly labUrl: string;
  readonly bridgeUrl: string;
  /** `host:port`; undefined when no Alertmanager runs. */
  readonly alertmanager: string | undefined;
  /** Prometheus scrapes and evaluates this often, e.g. `2s`. */
  readonly interval: string;
  /** Further targets for the job `lab`: an address that answers with HTTP SD. */
  readonly httpSdUrl: string | undefined;
  readonly ruleFiles: readonly string[];
  /** Does Postgres write through to the disk? Without, only a machine that loses its power loses anything. */
  readonly durable: boolean;
}

/** A server of the testkit as it runs now, with its client's address. */
interface Started {
  readonly address: string;
  readonly server: RunningProcess | undefined;
  stop(): Promise<void>;
}

interface PartKind {
  /** Why it cannot be had here, with what to install; undefined when it can. */
  missing(): string | undefined;
  version(): string;
  start(place: Required<Place>, around: PartSurroundings): Promise<Started>;
  healthy(address: string): Promise<boolean>;
  /** What ends it in order. */
  readonly signal: NodeJS.Signals;
}

const needs = (programs: readonly string[], install: string): string | undefined => {
  const absent = programs.filter((name) => findProgram(name) === undefined);
  return absent.length === 0 ? undefined : `${absent.join(" and ")} not found: ${install}`;
};

/** The first thing that looks like a version in what a program says of itself. */
const versionOf = (program: string): string => {
  try {
    const said = execFileSync(findProgram(program) ?? program, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return /\d+\.\d+(\.\d+)?/.exec(said)?.[0] ?? "unknown";
  } catch {
    return "unknown";
  }
};

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: 2_000 }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("timeout", () => socket.destroy(new Error("late")));
    socket.once("error", () => resolve(false));
  });
const answers = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    (answer) => answer.ok,
    () => false,
  );
const portOf = (address: string): number => Number(new URL(address).port);

const DATABASE = "tocsin";

const KINDS: Readonly<Record<PartName, PartKind>> = {
  postgres: {
    missing: () => needs(["postgres", "initdb"], "apt-get install postgresql"),
    version: () => versionOf("postgres"),
    async start(place, { durable }) {
      const postgres = await startPostgres(
        { fsync: durable ? "on" : "off", max_connections: "300" },
        { ...place, folder: reachableByPostgres(place.folder) },
      );
      return { address: await postgres.createDatabase(DATABASE), server: postgres.server(), stop: () => postgres.stop() };
    },
    healthy: (address) => accepts(portOf(address)),
    signal: "SIGINT",
  },
  kafka: {
    missing: () =>
      isKafkaKept()
        ? needs(["java"], "apt-get install default-jre-headless")
        : needs(["java", "mvn"], "apt-get install default-jre-headless maven"),
    version: () => KAFKA_VERSION,
    async start(place) {
      const kafka = await startKafka({ place });
      return { address: `kafka://127.0.0.1:${kafka.port}`, server: kafka.server(), stop: () => kafka.stop() };
    },
    healthy: (address) => accepts(portOf(address)),
    signal: "SIGTERM",
  },
  redis: {
    missing: () => needs(["redis-server"], "apt-get install redis-server"),
    version: () => versionOf("redis-server"),
    async start({ port, logFile }) {
      const server = await startRedis(port, { logFile });
      return { address: `redis://127.0.0.1:${port}`, server, stop: () => server.stop() };
    },
    healthy: (address) => accepts(portOf(address)),
    signal: "SIGTERM",
  },
  prometheus: {
    missing: () => needs(["prometheus"], "apt-get install prometheus"),
    version: () => versionOf("prometheus"),
    async start(place, { labUrl, alertmanager, interval, httpSdUrl, ruleFiles }) {
      const prometheus = await startPrometheus({
        place,
        interval,
        jobs: [{ job: "lab", httpSdUrl: httpSdUrl ?? `${labUrl}/v1/scrape-targets` }],
        ruleFiles,
        alertmanagers: alertmanager === undefined ? [] : [alertmanager],
      });
      return { address: prometheus.url, server: prometheus.server, stop: () => prometheus.stop() };
    },
    healthy: (address) => answers(`${address}/-/ready`),
    signal: "SIGTERM",
  },
  alertmanager: {
    missing: () => needs(["prometheus-alertmanager"], "apt-get install prometheus-alertmanager"),
    version: () => versionOf("prometheus-alertmanager"),
    async start(place, { bridgeUrl }) {
      const alertmanager = await startAlertmanager(alertmanagerConfig(`${bridgeUrl}/webhooks/alertmanager`), place);
      return { address: alertmanager.url, server: alertmanager.server, stop: () => alertmanager.stop() };
    },
    healthy: (address) => answers(`${address}/-/ready`),
    signal: "SIGTERM",
  },
  loki: {
    missing: () =>
      isLokiKept() ? undefined : needs(["go"], "install Go 1.26 or newer from go.dev; Loki is then built from its Go module"),
    version: () => LOKI_VERSION.replace(/^v/, ""),
    async start(place) {
      const loki = await startLoki({ place });
      return { address: loki.url, server: loki.server, stop: () => loki.stop() };
    },
    healthy: (address) => answers(`${address}/ready`),
    signal: "SIGTERM",
  },
  docker: {
    missing: () =>
      needs(["dockerd"], "apt-get install docker.io") ?? (process.getuid?.() === 0 ? undefined : "the Docker engine starts as root only"),
    version: () => versionOf("dockerd"),
    async start(place) {
      const daemon = await startDockerd(place);
      return { address: daemon.socketPath, server: daemon.server, stop: () => daemon.stop() };
    },
    async healthy(address) {
      return execDocker(address);
    },
    signal: "SIGTERM",
  },
};

const execDocker = (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(socketPath, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });

export const healthOfPart = (name: PartName, address: string): Promise<boolean> => KINDS[name].healthy(address);

export const missingPart = (name: PartName): string | undefined => KINDS[name].missing();

/** Kept fine and quick, as the file that is shipped for the lab: grouping is Tocsin's own work. JSON is YAML. */
const alertmanagerConfig = (url: string): string =>
  JSON.stringify({
    route: { receiver: "tocsin", group_by: ["alertname", "service"], group_wait: "1s", group_interval: "5s", repeat_interval: "1m" },
    receivers: [{ name: "tocsin", webhook_configs: [{ url, send_resolved: true, max_alerts: 500 }] }],
  });

export const LAB_RULES = join(ROOT, "deploy/prometheus/rules/lab.yml");

/** Starts a part in a place of its own. @throws Error with what it printed last */
export async function startPart(name: PartName, place: Required<Place>, around: PartSurroundings): Promise<RunningPart> {
  const kind = KINDS[name];
  let started: Started | undefined;
  let exited = new Promise<Exit>(() => {});
  let { address } = await begin();

  async function begin(): Promise<Started> {
    started = await kind.start(place, around);
    const child = started.server?.child;
    if (child !== undefined)
      exited =
        child.exitCode !== null || child.signalCode !== null
          ? Promise.resolve({ code: child.exitCode, signal: child.signalCode })
          : new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
    return started;
  }
  return {
    name,
    version: kind.version(),
    address,
    pid: () => started?.server?.child.pid,
    healthy: () => kind.healthy(address),
    exited: () => exited,
    async halt(signal = kind.signal) {
      await started?.server?.stop(signal);
      started = undefined;
    },
    async resume() {
      ({ address } = await begin());
    },
    async stop() {
      await started?.stop();
      started = undefined;
    },
  };
}
