import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { isSame, type ProcessIdentity, processesMarked, signalSame } from "./process-identity.ts";
import { readState, removeState } from "./state-file.ts";

/** How long the supervisor may take to stop everything in order, and what is left after that to end by itself, in milliseconds. */
const ORDERLY_MS = 60_000;
const LEFT_OVER_MS = 10_000;

const gone = async (processes: readonly ProcessIdentity[], withinMs: number): Promise<boolean> => {
  for (const deadline = Date.now() + withinMs; processes.some(isSame); await delay(100)) if (Date.now() > deadline) return false;
  return true;
};

/**
 * Ends a stack: through its supervisor when that runs, and whatever is left after that by itself. What is left is known by the state file,
 * each with the time of its start, and by the mark that every process of the stack inherits; a process that only has the number of one of
 * them is left alone.
 *
 * @returns how many processes ended
 */
export async function stopAll(folder: string, onProgress: (line: string) => void): Promise<number> {
  const state = readState(folder);
  const known = (): ProcessIdentity[] => [
    ...((readState(folder) ?? state)?.units.flatMap(({ process: one }) => one ?? []) ?? []),
    ...processesMarked(folder),
  ];
  const before = new Set([...known(), ...(state === undefined ? [] : [state.supervisor])].filter(isSame).map(({ pid }) => pid));
  if (state !== undefined && signalSame(state.supervisor, "SIGTERM")) {
    onProgress("stopping services, then parts …");
    if (!(await gone([state.supervisor], ORDERLY_MS))) {
      onProgress("the supervisor does not end: killing it");
      signalSame(state.supervisor, "SIGKILL");
    }
  }
  // New ones may have come while the first were told: a second look.
  for (let look = 0; look < 3; look++) {
    const left = known().filter(isSame);
    if (left.length === 0) break;
    onProgress(`${left.length} left over from a stack without its supervisor: ending them`);
    // Services before what they hold connections to. SIGINT, because on SIGTERM Postgres waits for every client to leave by itself.
    const parts = new Set((state?.units ?? []).flatMap((unit) => (unit.kind === "part" ? (unit.process?.pid ?? []) : [])));
    for (const [some, signal] of [
      [left.filter(({ pid }) => !parts.has(pid)), "SIGTERM"],
      [left.filter(({ pid }) => parts.has(pid)), "SIGINT"],
    ] as const) {
      for (const one of some) signalSame(one, signal);
      if (await gone(some, LEFT_OVER_MS)) continue;
      for (const one of some) signalSame(one, "SIGKILL");
      await gone(some, LEFT_OVER_MS);
    }
  }
  unmountBelow(folder);
  const left = known().filter(isSame);
  if (left.length > 0) throw new Error(`these do not end: ${left.map(({ pid }) => pid).join(", ")}`);
  removeState(folder);
  return before.size;
}

/** A Docker engine that was killed leaves name spaces and layers mounted. */
function unmountBelow(folder: string): void {
  if (process.platform !== "linux") return;
  const points = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((point) => point.startsWith(`${folder}/`));
  for (const point of points.reverse()) execFileSync("umount", ["--lazy", point]);
}
