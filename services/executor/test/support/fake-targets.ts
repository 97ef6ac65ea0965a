import { AppError } from "@tocsin/runtime";
import type { ActOptions, ActResult, Target, TargetPort } from "@tocsin/targets";

export interface FakeTargets extends TargetPort {
  /** Every act that reached the target system, in order, e.g. `restart payments run_1:1`. */
  readonly calls: string[];
  /** The state of a target, to look at and to change. */
  target(id: string): Target;
  set(id: string, change: Partial<Target>): void;
  /** Called inside an act, before it takes effect: throw, or wait. */
  onAct: (verb: string, id: string, options: ActOptions) => Promise<void> | void;
}

export const aTarget = (id: string, change: Partial<Target> = {}): Target => ({
  id,
  managed: true,
  replicas: [{ id: `${id}-1`, state: "running", healthy: true, startedAt: "2026-01-01T00:00:00.000Z", restarts: 0 }],
  revision: "v2",
  previousRevision: "v1",
  labels: {},
  ...change,
});

/** A target system in memory that does each operation once, as the port promises. */
export function fakeTargets(...initial: readonly Target[]): FakeTargets {
  const state = new Map(initial.map((target) => [target.id, target]));
  const done = new Map<string, ActResult>();
  const calls: string[] = [];
  let starts = 0;
  const get = (id: string): Target => {
    const target = state.get(id);
    if (!target) throw new AppError("TARGET_UNKNOWN", `no target ${id}`, { details: { known: [...state.keys()] } });
    return target;
  };
  const restarted = (target: Target, running = true): Target => ({
    ...target,
    replicas: target.replicas.map((replica) => ({
      ...replica,
      state: running ? "running" : "exited",
      healthy: running,
      ...(running ? { startedAt: new Date(Date.UTC(2026, 5, 1) + ++starts * 1_000).toISOString() } : {}),
    })),
  });
  const act = async (verb: string, id: string, options: ActOptions, effect: (target: Target) => Target, extra = ""): Promise<ActResult> => {
    const known = done.get(options.operationId);
    if (known) return known;
    calls.push(`${verb} ${id}${extra} ${options.operationId}`);
    const before = get(id);
    await fake.onAct(verb, id, options);
    state.set(id, effect(get(id)));
    const result = { text: `${verb} of ${id} done`, before, after: get(id) };
    done.set(options.operationId, result);
    return result;
  };
  const fake: FakeTargets = {
    kind: "lab",
    calls,
    target: get,
    set: (id, change) => void state.set(id, { ...(state.get(id) ?? aTarget(id)), ...change }),
    onAct: () => {},
    list: async () => [...state.values()],
    get: async (id) => get(id),
    restart: (id, options) => act("restart", id, options, (target) => restarted(target)),
    start: (id, options) => act("start", id, options, (target) => restarted(target)),
    stop: (id, options) => act("stop", id, options, (target) => restarted(target, false)),
    rollback: (id, options) =>
      act(
        "rollback",
        id,
        options,
        (target) => {
          const { previousRevision, ...rest } = restarted(target);
          const revision = options.toRevision ?? previousRevision;
          if (revision === undefined) throw new AppError("TARGET_NO_PREVIOUS", `${id} has no previous revision`);
          return { ...rest, revision, previousRevision: target.revision };
        },
        options.toRevision === undefined ? "" : ` to ${options.toRevision}`,
      ),
    scale: (id, count, options) =>
      act("scale", id, options, (target) => ({
        ...target,
        replicas: Array.from(
          { length: count },
          (_, i) => target.replicas[i] ?? { id: `${id}-${i + 1}`, state: "running", healthy: true, restarts: 0 },
        ),
      })),
    configure: (id, { name, value }, options) =>
      act("config", id, options, (target) => ({ ...restarted(target), config: { ...target.config, [name]: value } }), ` ${name}=${value}`),
    recreate: (id, options) => act("recreate", id, options, (target) => restarted(target)),
    reconnect: (id, options) => act("reconnect", id, options, (target) => target),
    logs: async (id) => `the last line of ${get(id).id}`,
    stats: async (id) => ({ replicas: get(id).replicas.length }),
    runOneOff: async (spec) => {
      calls.push(`run ${JSON.stringify(spec.argv)} ${spec.name}`);
      spec.onOutput?.("hello\n");
      return { exitCode: 0, output: "hello", timedOut: false, resumed: false };
    },
    reap: async () => 0,
    ping: async () => {},
    close: async () => {},
  };
  return fake;
}
