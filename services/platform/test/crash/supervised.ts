import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type ServiceName, serviceCommand } from "@tocsin/local";
import { freePort } from "@tocsin/testkit";

export const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
/** A process that ends by itself is not started again at once for ever: that would hide a crash loop behind a busy machine. */
const RESTART_AFTER_OWN_END_MS = 500;

/** One service in a process of its own, started again whenever it ends. */
export interface Supervised {
  readonly name: string;
  readonly address: string;
  readonly pid: number | undefined;
  /** How often it was killed by us. */
  readonly kills: number;
  /** How often it ended without us: each is a crash of its own. */
  readonly ownEnds: readonly string[];
  readonly logFile: string;
  /** Sends a signal to the process that runs now. */
  signal(signal: NodeJS.Signals): void;
  /** Ends it at once, and starts the next one at once. */
  kill(): void;
  isReady(): Promise<boolean>;
  untilReady(timeoutMs?: number): Promise<void>;
  /** Of the process that runs now, from /proc. */
  residentMiB(): number;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface SuperviseOptions {
  readonly service: ServiceName;
  /** Default: the service. */
  readonly name?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFolder: string;
  readonly nodeOptions?: readonly string[];
}

const living = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

export async function supervise({ service, name = service, env, logFolder, nodeOptions = [] }: SuperviseOptions): Promise<Supervised> {
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const logFile = join(logFolder, `${name}.log`);
  const ownEnds: string[] = [];
  let kills = 0;
  let stopping = false;
  let child: ChildProcess;

  function start(): void {
    const out = openSync(logFile, "a");
    const { program, args, env: given } = serviceCommand(service, nodeOptions);
    const started = spawn(program, args, {
      cwd: ROOT,
      env: { PATH: process.env["PATH"] ?? "", ...given, ...env, TOCSIN_PORT: String(port) },
      stdio: ["ignore", out, out],
    });
    child = started;
    living.add(started);
    started.once("exit", (code, signal) => {
      living.delete(started);
      if (stopping) return;
      if (signal === "SIGKILL") return start();
      ownEnds.push(`${name} ended with ${code ?? signal}`);
      setTimeout(() => stopping || start(), RESTART_AFTER_OWN_END_MS);
    });
  }
  start();

  const isReady = () =>
    fetch(`${address}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
      (answer) => answer.ok,
      () => false,
    );
  return {
    name,
    address,
    logFile,
    ownEnds,
    get pid() {
      return child.pid;
    },
    get kills() {
      return kills;
    },
    signal: (signal) => void child.kill(signal),
    kill() {
      kills++;
      child.kill("SIGKILL");
    },
    isReady,
    async untilReady(timeoutMs = 60_000) {
      const deadline = performance.now() + timeoutMs;
      while (!(await isReady())) {
        if (performance.now() > deadline) throw new Error(`${name} is not ready:\n${readFileSync(logFile, "utf8").slice(-3_000)}`);
        await delay(100);
      }
    },
    residentMiB: () => Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0) / 1_024),
    async stop(signal = "SIGTERM") {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGCONT");
      child.kill(signal);
      const hard = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await ended;
      clearTimeout(hard);
    },
  };
}
