// Terms. A *managed service* is what the lab keeps running: `wanted` says whether a process should be there. When one exits
// unasked, the next is started after a *back-off* that doubles up to a cap and is forgotten after a minute of quiet.
import { get } from "node:http";
import type { Logger } from "@tocsin/runtime";
import type { Replica } from "@tocsin/targets";
import type { FleetService } from "../fleet/fleet-map.ts";
import { type Child, type ExitInfo, type Listening, startChild } from "./child-process.ts";
import { current, type History } from "./revision-history.ts";

export interface ManagedService {
  readonly service: FleetService;
  history: History;
  /** Where it listens or last listened. */
  readonly address: Listening | undefined;
  readonly replica: Replica;
  /** Starts a process of the current revision; nothing when one runs. Resolves when it listens or has exited. */
  start(): Promise<void>;
  /** Ends the process and starts none. */
  stop(graceMs: number): Promise<void>;
  /** Resolves with true once it is healthy, with false when it is not within `timeoutMs`. */
  healthy(timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
  setPeers(peers: Readonly<Record<string, string>>): void;
}

export interface ManagedServiceOptions {
  readonly service: FleetService;
  readonly history: History;
  readonly seed: number;
  readonly env: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly onLine: (line: string) => void;
  /** Its address is new or is served again. */
  readonly onListening: () => void;
}

const BACK_OFF_MS = [500, 1_000, 2_000, 4_000];
const QUIET_MS = 60_000;
const PROBE_EVERY_MS = 2_000;

export function manageService(options: ManagedServiceOptions): ManagedService {
  const { service, log } = options;
  let history = options.history;
  let wanted = false;
  let child: Child | undefined;
  let address: Listening | undefined;
  let peers: Readonly<Record<string, string>> = {};
  let startedAt = 0;
  let restarts = 0;
  let quickExits = 0;
  let lastExit: ExitInfo | undefined;
  let isHealthy = false;
  let backOff: NodeJS.Timeout | undefined;
  let probing: NodeJS.Timeout | undefined;

  async function probe(): Promise<boolean> {
    const answers = child !== undefined && address !== undefined && (await answersHealthz(address.port));
    isHealthy = answers && child !== undefined;
    return isHealthy;
  }

  function onExit(exit: ExitInfo, gone: Child): void {
    if (child !== gone) return;
    child = undefined;
    isHealthy = false;
    lastExit = exit;
    clearInterval(probing);
    if (!wanted) return;
    quickExits = Date.now() - startedAt > QUIET_MS ? 1 : quickExits + 1;
    const waitMs = BACK_OFF_MS[Math.min(quickExits, BACK_OFF_MS.length) - 1] as number;
    const how = exit.signal === undefined ? `code ${exit.code}` : `signal ${exit.signal}`;
    options.onLine(
      JSON.stringify({ at: Date.now() / 1000, level: "error", message: `process exited with ${how}; restarting in ${waitMs} ms` }),
    );
    log.warn({ service: service.name, ...exit, waitMs }, "lab service exited");
    backOff = setTimeout(() => {
      restarts += 1;
      void launch();
    }, waitMs);
  }

  async function launch(): Promise<void> {
    clearTimeout(backOff);
    const revision = current(history);
    const listenOn = address ? ["--port", String(address.port), "--admin-port", String(address.adminPort)] : [];
    const args = ["--name", service.name, "--version", revision.version, "--seed", String(options.seed), ...listenOn, ...revision.args];
    const started = startChild("service.ts", args, options.onLine, options.env);
    child = started;
    startedAt = Date.now();
    void started.exited.then((exit) => onExit(exit, started));
    const listening = await Promise.race([started.listening, started.exited.then(() => undefined)]);
    if (listening === undefined || child !== started) return;
    address = listening;
    started.setPeers(peers);
    options.onListening();
    probing = setInterval(() => void probe(), PROBE_EVERY_MS);
  }

  return {
    service,
    get history() {
      return history;
    },
    set history(next) {
      history = next;
    },
    get address() {
      return address;
    },
    get replica(): Replica {
      return {
        id: `${service.name}-1`,
        state: child !== undefined ? "running" : wanted ? "restarting" : lastExit || startedAt > 0 ? "exited" : "created",
        healthy: isHealthy,
        ...(startedAt === 0 ? {} : { startedAt: new Date(startedAt).toISOString() }),
        restarts,
        ...(lastExit?.code === undefined ? {} : { exitCode: lastExit.code }),
      };
    },
    async start() {
      wanted = true;
      if (child === undefined) {
        quickExits = 0;
        await launch();
      }
    },
    async stop(graceMs) {
      wanted = false;
      clearTimeout(backOff);
      await child?.stop(graceMs);
    },
    async healthy(timeoutMs, signal) {
      const until = Date.now() + timeoutMs;
      for (;;) {
        if (await probe()) return true;
        if (Date.now() >= until || signal?.aborted || !wanted) return false;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    setPeers(next) {
      peers = next;
      child?.setPeers(next);
    },
  };
}

function answersHealthz(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = get({ host: "127.0.0.1", port, path: "/healthz", agent: false, signal: AbortSignal.timeout(1_500) }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode === 200));
      response.on("error", () => resolve(false));
    });
    asked.on("error", () => resolve(false));
  });
}
