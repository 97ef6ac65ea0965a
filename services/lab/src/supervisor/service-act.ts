import type { Change } from "@tocsin/contracts";
import type { ActResult, Target } from "@tocsin/targets";
import { configRefused, noPrevious, revisionUnknown, targetTimeout } from "../errors.ts";
import { configurationOf, configured, settingProblem } from "./configuration.ts";
import type { ManagedService } from "./managed-service.ts";
import { current, type Revision, rolledBack } from "./revision-history.ts";

export type ActVerb = "restart" | "start" | "stop" | "rollback" | "config";

export interface ActRequest {
  readonly operationId: string;
  readonly timeoutMs: number;
  readonly toRevision?: string | undefined;
  readonly name?: string | undefined;
  readonly value?: string | null | undefined;
}

export type RecordChange = (service: string, change: Pick<Change, "kind" | "text">, from?: Revision, to?: Revision) => void;

export interface Acting {
  readonly target: (name: string) => Target;
  readonly record: RecordChange;
  /** The service's process is gone and none takes its place. */
  readonly onGone: (name: string) => void;
}

/** How long a process has between SIGTERM and SIGKILL. */
export const GRACE_MS = 2_000;

/**
 * Does one act on one service.
 *
 * @throws AppError `TARGET_TIMEOUT` when the process could not be ended in time, `TARGET_NO_PREVIOUS`. A process that runs and is
 *   not healthy is no error: the result says so.
 */
export async function performAct(unit: ManagedService, verb: ActVerb, request: ActRequest, acting: Acting): Promise<ActResult> {
  const name = unit.service.name;
  const before = acting.target(name);
  const text = await texts[verb](unit, request, acting);
  return { text, before, after: acting.target(name) };
}

const texts: Record<ActVerb, (unit: ManagedService, request: ActRequest, acting: Acting) => Promise<string>> = {
  async restart(unit, { timeoutMs }, { record }) {
    const { name } = unit.service;
    const text = `restarted ${name}; it ${await restartProcess(unit, timeoutMs)}`;
    record(name, { kind: "restart", text });
    return text;
  },
  async start(unit, { timeoutMs }) {
    await unit.start();
    return `started ${unit.service.name}; it ${(await unit.healthy(timeoutMs)) ? "is healthy" : "is not healthy yet"}`;
  },
  async stop(unit, { timeoutMs }, { onGone }) {
    await unit.stop(Math.min(GRACE_MS, timeoutMs));
    onGone(unit.service.name);
    return `stopped ${unit.service.name}`;
  },
  async rollback(unit, { timeoutMs, toRevision }, { record }) {
    const { name } = unit.service;
    const from = current(unit.history);
    const next = rolledBack(unit.history, toRevision);
    if (!next) {
      const known = unit.history.line.map((revision) => revision.id);
      throw toRevision === undefined ? noPrevious(name, from.id) : revisionUnknown(name, toRevision, known);
    }
    unit.history = next;
    const to = current(next);
    const text = `rolled ${name} back from ${from.id} to ${to.id}`;
    // Recorded before it is done, so that what it changes in the signals comes after its record.
    record(name, { kind: from.version === to.version ? "configuration" : "deployment", text }, from, to);
    return `${text}; it ${await restartProcess(unit, timeoutMs)}`;
  },
  async config(unit, { timeoutMs, name: what = "", value = null }, { record }) {
    const { name } = unit.service;
    const problem = settingProblem({ name: what, value });
    const from = current(unit.history);
    if (problem !== undefined) throw configRefused(name, problem, Object.keys(configurationOf(from)));
    const next = configured(unit.history, from, { name: what, value });
    if (next === unit.history) return `${what} of ${name} is ${value ?? "its default"} already`;
    unit.history = next;
    const text = `${name} configuration changed: ${what} is now ${value ?? "its default"}`;
    record(name, { kind: "configuration", text }, from, current(next));
    return `${text}; it ${await restartProcess(unit, timeoutMs)}`;
  },
};

async function restartProcess(unit: ManagedService, timeoutMs: number): Promise<string> {
  const begin = performance.now();
  await withDeadline(unit.stop(Math.min(GRACE_MS, timeoutMs / 2)), timeoutMs, () => targetTimeout(unit.service.name, "stop", timeoutMs));
  await unit.start();
  const leftMs = Math.max(500, timeoutMs - (performance.now() - begin));
  return (await unit.healthy(leftMs)) ? "is healthy" : `runs but was not healthy within ${Math.round(leftMs)} ms`;
}

async function withDeadline<T>(work: Promise<T>, timeoutMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), timeoutMs);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
