import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Listening {
  readonly port: number;
  readonly adminPort: number;
}

export interface ExitInfo {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

/** A process of the fleet and what it tells. */
export interface Child {
  readonly pid: number;
  /** Resolves when it listens; never when it exits before. */
  readonly listening: Promise<Listening>;
  readonly exited: Promise<ExitInfo>;
  setPeers(peers: Readonly<Record<string, string>>): void;
  /** SIGTERM, then SIGKILL after `graceMs`. Resolves when it is gone. */
  stop(graceMs: number): Promise<ExitInfo>;
}

/** The heap is kept small so that a fleet fits beside the platform; what leaks by buffers lies outside it. */
const NODE_ARGS = ["--max-old-space-size=48", "--max-semi-space-size=1"];
// Compiled code is kept between starts: a restart takes half the time, and the TypeScript stripper stays unloaded.
const CHILD_ENV = { NODE_COMPILE_CACHE: join(tmpdir(), "tocsin-lab-compile-cache") };

export type Program = "service.ts" | "load.ts"; // in `src/fleet`

/** Compiles the programs once, for all starts that follow: seen to save 20 MB in each of them. */
export async function warmUp(): Promise<void> {
  await Promise.all((["service.ts", "load.ts"] as const).map((program) => startChild(program, ["--warm-up"], () => {}).exited));
}

export function startChild(
  program: Program,
  args: readonly string[],
  onLine: (line: string) => void,
  env: Readonly<Record<string, string>> = {},
): Child {
  const path = fileURLToPath(new URL(`../fleet/${program}`, import.meta.url));
  // The IPC channel is the child's tie to this process: when it closes, however this process ended, the child exits.
  const child: ChildProcess = spawn(process.execPath, [...NODE_ARGS, path, ...args], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...CHILD_ENV, ...env },
  });
  for (const stream of [child.stdout, child.stderr]) if (stream) createInterface({ input: stream }).on("line", onLine);

  const exited = new Promise<ExitInfo>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined }));
    child.once("error", (error) => {
      onLine(`cannot be started: ${error.message}`);
      resolve({ code: undefined, signal: undefined });
    });
  });
  const listening = new Promise<Listening>((resolve) => {
    child.on("message", (message: { listening?: Listening }) => {
      if (message.listening) resolve(message.listening);
    });
  });

  return {
    pid: child.pid ?? -1,
    listening,
    exited,
    setPeers(peers) {
      if (child.connected) child.send({ peers }, () => {}); // a child that is just exiting needs no addresses
    },
    async stop(graceMs) {
      child.kill("SIGTERM");
      const force = setTimeout(() => child.kill("SIGKILL"), graceMs);
      try {
        return await exited;
      } finally {
        clearTimeout(force);
      }
    },
  };
}
