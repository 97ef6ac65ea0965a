import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PushCounts } from "./log-agent/loki-push.ts";
import type { ProcessIdentity } from "./process-identity.ts";

/** A part or a service as `status` shows it. */
export interface Unit {
  readonly id: string;
  readonly kind: "part" | "service";
  readonly version: string;
  readonly address: string;
  readonly state: "starting" | "up" | "waiting" | "stopped";
  readonly process?: ProcessIdentity;
  /** How often it was started again. */
  readonly restarts: number;
  /** How it last ended, in one line. */
  readonly lastExit?: string;
  /** When it will be tried again, for one that waits: milliseconds since 1970. */
  readonly nextStartAt?: number;
}

export interface StackState {
  readonly supervisor: ProcessIdentity;
  /** `partly`: some service did not start and is tried again; `failed`: nothing runs. */
  readonly phase: "starting" | "up" | "partly" | "stopping" | "failed";
  /** Of the console. */
  readonly address?: string;
  /** What was told while starting, in order. */
  readonly progress: readonly string[];
  readonly units: readonly Unit[];
  /** What was shipped to Loki, a few seconds ago at most. */
  readonly logs?: PushCounts;
}

const fileOf = (folder: string): string => join(folder, "state.json");

/** @returns undefined when no stack was started there, or it was stopped in order */
export function readState(folder: string): StackState | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(folder), "utf8")) as StackState;
  } catch {
    return undefined;
  }
}

/** In one step, so that a reader never sees half of it. */
export function writeState(folder: string, state: StackState): void {
  const file = fileOf(folder);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(state, null, 1));
  renameSync(`${file}.new`, file);
}

export const removeState = (folder: string): void => rmSync(fileOf(folder), { force: true });
