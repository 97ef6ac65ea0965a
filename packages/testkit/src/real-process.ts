import { type ChildProcess, spawn } from "node:child_process";
import { findProgram } from "./real.ts";

export interface RunningProcess {
  readonly child: ChildProcess;
  /** What it printed last, for an error message: at most 8 KiB. */
  readonly output: () => string;
  /** SIGTERM, then SIGKILL after five seconds; resolves when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts a real server as a child of the test and waits until `ready` says so.
 *
 * @throws Error with the program's last output when it ends or is not ready within `timeoutMs` (default 30,000)
 */
export async function startProcess(
  program: string,
  args: readonly string[],
  ready: () => Promise<boolean>,
  options: { env?: NodeJS.ProcessEnv; cwd?: string; timeoutMs?: number; uid?: number; gid?: number } = {},
): Promise<RunningProcess> {
  const path = findProgram(program) ?? program;
  const { timeoutMs = 30_000, ...spawnOptions } = options;
  const child = spawn(path, args, { stdio: ["ignore", "pipe", "pipe"], ...spawnOptions });
  let printed = "";
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
  // A test that ends early must not leave a server behind.
  const killAtExit = () => child.kill("SIGKILL");
  process.once("exit", killAtExit);

  async function stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    process.removeListener("exit", killAtExit);
    if (isOver()) return;
    child.kill(signal);
    const hard = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await ended;
    clearTimeout(hard);
  }

  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (isOver()) throw new Error(`${program} ended with ${child.exitCode ?? child.signalCode}:\n${printed}`);
    if (await ready().catch(() => false)) return { child, output: () => printed, stop };
    if (performance.now() > deadline) {
      await stop("SIGKILL");
      throw new Error(`${program} was not ready within ${timeoutMs} ms:\n${printed}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
