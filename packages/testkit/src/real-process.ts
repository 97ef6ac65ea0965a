import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { findProgram } from "./real.ts";

export interface RunningProcess {
  readonly child: ChildProcess;
  /** What it printed last, for an error message: at most 8 KiB. */
  readonly output: () => string;
  /** SIGTERM, then SIGKILL after five seconds; resolves when it has ended. */
  /** Killed when it has not ended within `patienceMs` (default 5,000). */
  stop(signal?: NodeJS.Signals, patienceMs?: number): Promise<void>;
}

export interface ProcessOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly timeoutMs?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** What it prints is added to this file; otherwise only the last of it is kept, in memory. */
  readonly logFile?: string;
  /** Told at once, before it is ready. */
  readonly onSpawn?: (child: ChildProcess) => void;
}

/** Where a server keeps its data, for one that is started again on it. Without, the folder is a temporary one that `stop` removes. */
export interface Place {
  readonly folder: string;
  /** Default: a free one. */
  readonly port?: number;
  readonly logFile?: string;
}

/** A process that ends early must not leave a server behind. */
const alive = new Set<ChildProcess>();
const killAll = (): void => {
  for (const child of alive) child.kill("SIGKILL");
};

/**
 * Starts a real server as a child of the test and waits until `ready` says so.
 *
 * @throws Error with the program's last output when it ends or is not ready within `timeoutMs` (default 30,000)
 */
export async function startProcess(
  program: string,
  args: readonly string[],
  ready: () => Promise<boolean>,
  options: ProcessOptions = {},
): Promise<RunningProcess> {
  const path = findProgram(program) ?? program;
  const { timeoutMs = 30_000, logFile, onSpawn, ...spawnOptions } = options;
  // What it prints to a file reaches that file also when the process that started it is gone.
  const log = logFile === undefined ? undefined : openSync(logFile, "a");
  const child = spawn(path, args, { stdio: ["ignore", log ?? "pipe", log ?? "pipe"], ...spawnOptions });
  if (log !== undefined) closeSync(log);
  let printed = "";
  const output = () => (logFile === undefined ? printed : readFileSync(logFile, "utf8").slice(-8_192) + printed);
  const keep = (chunk: Buffer) => {
    printed = (printed + chunk.toString()).slice(-8_192);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (error) => {
      printed += error.message;
      resolve();
    });
  });
  const isOver = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  onSpawn?.(child);
  if (alive.size === 0) process.on("exit", killAll);
  alive.add(child);
  void ended.then(() => {
    alive.delete(child);
    if (alive.size === 0) process.removeListener("exit", killAll);
  });

  async function stop(signal: NodeJS.Signals = "SIGTERM", patienceMs = 5_000): Promise<void> {
    if (isOver()) return;
    child.kill(signal);
    const hard = setTimeout(() => child.kill("SIGKILL"), patienceMs);
    await ended;
    clearTimeout(hard);
  }

  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (isOver()) throw new Error(`${program} ended with ${child.exitCode ?? child.signalCode}:\n${output()}`);
    if (await ready().catch(() => false)) return { child, output, stop };
    if (performance.now() > deadline) {
      await stop("SIGKILL");
      throw new Error(`${program} was not ready within ${timeoutMs} ms:\n${output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
