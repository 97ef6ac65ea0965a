import { readFileSync } from "node:fs";
import type { PushCounts } from "./log-agent/loki-push.ts";
import { healthOfPart, type PartName } from "./parts.ts";
import { isSame } from "./process-identity.ts";
import type { StackState, Unit } from "./state-file.ts";

interface UnitStatus extends Omit<Unit, "process"> {
  readonly pid?: number;
  readonly well: boolean;
  /** In words. */
  readonly health: string;
  /** Resident memory in MiB. */
  readonly memoryMib?: number;
}

export interface StackStatus {
  readonly running: boolean;
  readonly phase: StackState["phase"];
  readonly address?: string;
  readonly supervisorPid: number;
  readonly well: boolean;
  readonly units: readonly UnitStatus[];
  /** Lines shipped to Loki, where there is one. */
  readonly logs?: PushCounts;
}

interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { readonly up: boolean; readonly required: boolean; readonly error?: string }>>;
}

/** Asks every part and service how it is, now. */
export async function statusOf(state: StackState, now = Date.now()): Promise<StackStatus> {
  const supervised = isSame(state.supervisor);
  const units = await Promise.all(state.units.map((unit) => statusOfUnit(unit, now)));
  return {
    running: units.some(({ pid }) => pid !== undefined),
    phase: state.phase,
    ...(state.address === undefined ? {} : { address: state.address }),
    supervisorPid: state.supervisor.pid,
    ...(state.logs === undefined ? {} : { logs: state.logs }),
    well: supervised && state.phase === "up" && units.every(({ well }) => well),
    units: supervised
      ? units
      : [
          ...units,
          { id: "supervisor", kind: "service", version: "", address: "", state: "stopped", restarts: 0, well: false, health: GONE },
        ],
  };
}
const GONE = "gone: nothing is started again; `down` ends the rest";

async function statusOfUnit({ process: known, ...unit }: Unit, now: number): Promise<UnitStatus> {
  const alive = known !== undefined && isSame(known);
  const shared = unit.kind === "part" && known === undefined && unit.state === "up";
  const seen = alive ? { pid: known.pid, ...memoryOf(known.pid) } : {};
  const past = unit.lastExit === undefined ? "" : `; last ${unit.lastExit}`;
  const restarted = unit.restarts === 0 ? "" : ` (started again ${unit.restarts}×${past})`;
  if (unit.state === "waiting") {
    const inSeconds = Math.max(0, ((unit.nextStartAt ?? now) - now) / 1_000).toFixed(0);
    return {
      ...unit,
      ...seen,
      well: false,
      health: `${unit.lastExit}; tried again in ${inSeconds} s${unit.restarts > 0 ? ` (${unit.restarts} so far)` : ""}`,
    };
  }
  if (unit.state === "starting") return { ...unit, ...seen, well: false, health: `starting${restarted}` };
  if (!alive && !shared) return { ...unit, well: false, health: `gone${past}` };
  if (unit.kind === "part") {
    const well = await healthOfPart(unit.id as PartName, unit.address);
    return { ...unit, ...seen, well, health: `${well ? "ready" : "does not answer"}${shared ? " (ran before us)" : ""}${restarted}` };
  }
  const { well, text } = await readinessOf(unit.address);
  return { ...unit, ...seen, well, health: `${text}${restarted}` };
}

async function readinessOf(address: string): Promise<{ well: boolean; text: string }> {
  try {
    const answer = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(5_000) });
    const { ready, checks } = (await answer.json()) as Readiness;
    const down = Object.entries(checks).filter(([, { up }]) => !up);
    const named = down.map(([name, { error }]) => `${name}: ${error ?? "down"}`).join("; ");
    return { well: ready, text: ready ? `ready${named === "" ? "" : `, without ${named}`}` : `not ready: ${named}` };
  } catch (error) {
    return { well: false, text: `does not answer: ${(error as Error).message}` };
  }
}

function memoryOf(pid: number): { memoryMib?: number } {
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kib === undefined ? {} : { memoryMib: Math.round(Number(kib) / 1_024) };
  } catch {
    return {};
  }
}

/** Pure: for people, widest column last. */
export function statusTable({ units, address, phase, supervisorPid, logs }: StackStatus): string {
  const rows = [
    ["NAME", "VERSION", "ADDRESS", "PID", "MEMORY", "HEALTH"],
    ...units.map((unit) => [
      unit.id,
      unit.version,
      unit.address,
      unit.pid === undefined ? "-" : String(unit.pid),
      unit.memoryMib === undefined ? "-" : `${unit.memoryMib} MiB`,
      unit.health,
    ]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  const table = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const shipped = logs && `log lines to Loki: ${logs.sent} sent, ${logs.waiting} wait, ${logs.dropped} dropped, ${logs.refused} refused`;
  return `${[...table, "", ...(shipped === undefined ? [] : [shipped]), `${phase}; supervisor ${supervisorPid}; console ${address ?? "-"}`].join("\n")}\n`;
}
