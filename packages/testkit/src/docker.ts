import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { takePlace } from "./place.ts";
import { type Place, type RunningProcess, startProcess } from "./real-process.ts";

/** A Docker daemon to test with. */
export interface RunningDockerd {
  readonly socketPath: string;
  /** True when it ran before us: containers of others may be there. */
  readonly shared: boolean;
  /** Absent when it is shared. */
  readonly server?: RunningProcess;
  /** Ends the daemon when we started it. */
  stop(): Promise<void>;
}

const SYSTEM_SOCKET = "/var/run/docker.sock";

/**
 * The Docker daemon of this machine when its socket answers; otherwise one of our own with its own folders and without networks
 * (containers then have the host's network or none). Needs root and the program `dockerd`.
 */
export async function startDockerd(place?: Place): Promise<RunningDockerd> {
  if (await answersPing(SYSTEM_SOCKET)) return { socketPath: SYSTEM_SOCKET, shared: true, stop: async () => {} };
  return startOwnDockerd(place);
}

/** A daemon that a test may take away. */
export interface OwnDockerd extends RunningDockerd {
  /** Ends the daemon, by default as a restart of the service does; what it has on disk stays. */
  halt(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same folders and socket. */
  resume(): Promise<void>;
}

/** A daemon gives its containers ten seconds to end before it ends itself. */
const STOP_MS = 20_000;

/** A Docker daemon of our own, whether or not the machine has one. */
export async function startOwnDockerd(place?: Place): Promise<OwnDockerd> {
  const { folder, printing, leave } = await takePlace("dockerd", place);
  const socketPath = join(folder, "docker.sock");
  const inside = (name: string) => join(folder, name);
  mkdirSync(inside("exec"), { recursive: true });
  const start = () =>
    startProcess(
      "dockerd",
      ["--data-root", inside("data"), "--exec-root", inside("exec"), "--pidfile", inside("pid"), "-H", `unix://${socketPath}`].concat([
        "--iptables=false",
        "--bridge=none",
        "--log-level=warn",
      ]),
      () => answersPing(socketPath),
      { timeoutMs: 60_000, ...printing },
    );
  let daemon = await start();
  return {
    socketPath,
    shared: false,
    get server() {
      return daemon;
    },
    halt: (signal = "SIGTERM") => daemon.stop(signal, STOP_MS),
    async resume() {
      // A daemon that was killed leaves its number behind, and the next one believes that it runs; and its containerd, which the next one
      // would wait for in vain should it end meanwhile.
      rmSync(inside("pid"), { force: true });
      endOrphan(inside("exec/containerd/containerd.pid"));
      daemon = await start();
    },
    async stop() {
      await daemon.stop("SIGTERM", STOP_MS);
      unmountBelow(folder); // the daemon leaves the name space of the host's network mounted
      await leave();
    },
  };
}

function endOrphan(pidFile: string): void {
  try {
    const pid = Number(readFileSync(pidFile, "utf8"));
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("containerd")) process.kill(pid, "SIGKILL");
  } catch {
    // There is none: its daemon ended it.
  }
  rmSync(pidFile, { force: true });
}

function unmountBelow(folder: string): void {
  const mounted = readFileSync("/proc/mounts", "utf8").split("\n");
  for (const point of mounted.map((line) => line.split(" ")[1] ?? "").reverse())
    if (point.startsWith(`${folder}/`)) execFileSync("umount", ["--lazy", point]);
}

const answersPing = (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    const asked = request({ socketPath, path: "/_ping", signal: AbortSignal.timeout(2_000) }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on("error", () => resolve(false));
    asked.end();
  });
