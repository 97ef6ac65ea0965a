import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** A process by number and by when it started: a number alone is given to another process sooner or later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal for the same process only. */
  readonly started: string;
}

/** Variable by which a process, and whatever it starts, is known to belong to a stack: the stack's folder. */
export const MARK = "TOCSIN_STACK";

/** @returns undefined when no such process runs; one that ended and is not yet collected counts as gone */
export function identityOf(pid: number): ProcessIdentity | undefined {
  try {
    // The name in parentheses may hold spaces and parentheses. After it: state, then 18 fields on, the start in ticks since boot.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return { pid, started: `${fields[19]}@${bootId()}` };
  } catch {
    return process.platform === "linux" ? undefined : identityFromPs(pid);
  }
}

export const isSame = (known: ProcessIdentity): boolean => identityOf(known.pid)?.started === known.started;

const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

function identityFromPs(pid: number): ProcessIdentity | undefined {
  try {
    const started = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
    return started === "" ? undefined : { pid, started };
  } catch {
    return undefined;
  }
}

/** Every process that carries the mark, also those that some part started and that nobody noted. Linux only; elsewhere none. */
export function processesMarked(mark: string): ProcessIdentity[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const isOurs = readFileSync(`/proc/${name}/environ`, "utf8").split("\0").includes(`${MARK}=${mark}`);
        return isOurs ? [identityOf(Number(name))] : [];
      } catch {
        return []; // it ended, or belongs to another user
      }
    })
    .filter((identity) => identity !== undefined);
}

/** Sends a signal, unless the process has gone or its number belongs to another one by now. @returns whether it was sent */
export function signalSame(known: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isSame(known)) return false;
  try {
    return process.kill(known.pid, signal);
  } catch {
    return false;
  }
}
