import { type Logger, messageOf } from "@tocsin/runtime";
import Docker from "dockerode";
import { targetNoPrevious, targetTimeout, targetUnknown, targetUnmanaged } from "../errors.ts";
import type { ActOptions, ActResult, Target, TargetPort } from "../target-port.ts";
import { createCappedText } from "./capped-text.ts";
import { assertConfigurable, configure } from "./configure.ts";
import { byService, type Inspected, labelsOf, nameOf, replicaOf, targetOf } from "./container-view.ts";
import { ask, readLogs } from "./docker-calls.ts";
import { LABELS } from "./labels.ts";
import { reapOneOffs, runOneOff } from "./one-off.ts";
import { reconnect } from "./reconnect.ts";
import { replaceContainer } from "./replace-container.ts";
import { roll } from "./rolling.ts";
import { scaleTo } from "./scale.ts";
import { watchContainers } from "./watch-containers.ts";

export interface DockerTargetsOptions {
  /** Where the daemon answers: at its socket, or through a proxy that lets few calls pass. */
  readonly connection: { readonly socketPath: string } | { readonly protocol: "http"; readonly host: string; readonly port: number };
  readonly log: Logger;
}

const LOGS_CAP = 262_144;
const MAX_TAIL = 5_000;
const OPERATIONS = 500;
const HEALTH_POLL_MS = 200;

/** Containers that carry `tocsin.managed=true`, one target per service, one replica per container. */
export function dockerTargets({ connection, log }: DockerTargetsOptions): TargetPort {
  const docker = new Docker(connection);
  /** Acts by operation id: a repeated call gets the first one's result. Across a crash, the container's own labels tell. */
  const operations = new Map<string, Promise<ActResult>>();

  async function inspectAll(): Promise<ReadonlyMap<string, readonly Inspected[]>> {
    const listed = (await ask("list containers", () => docker.listContainers({ all: true }))) ?? [];
    const named = listed.filter((item) => item.Labels[LABELS.service] !== undefined || item.Labels[LABELS.composeService] !== undefined);
    const inspected = await Promise.all(
      named.map((item) => ask(`inspect ${item.Id}`, () => docker.getContainer(item.Id).inspect(), [404])),
    );
    return byService(inspected.filter((info) => info !== undefined));
  }
  async function find(id: string): Promise<readonly Inspected[]> {
    const services = await inspectAll();
    const containers = services.get(id);
    if (!containers) throw targetUnknown(id, [...services.keys()]);
    return containers;
  }
  const get = async (id: string): Promise<Target> => targetOf(id, await find(id));

  async function healthy(id: string, until: number, signal: AbortSignal | undefined): Promise<boolean> {
    for (;;) {
      if ((await find(id)).every((container) => replicaOf(container).healthy)) return true;
      signal?.throwIfAborted();
      if (Date.now() >= until) return false;
      await new Promise((resolve) => setTimeout(resolve, HEALTH_POLL_MS));
    }
  }

  /** Does `work` on every replica: all together, where none is taken out of service for another's sake. */
  async function perform(
    id: string,
    verb: string,
    options: ActOptions,
    work: (container: Inspected, graceSeconds: number) => Promise<unknown>,
    awaitHealth = true,
  ): Promise<ActResult> {
    const until = Date.now() + options.timeoutMs;
    const containers = await find(id);
    const before = targetOf(id, containers);
    if (!before.managed) throw targetUnmanaged(id);
    const graceSeconds = graceOf(options);
    for (const container of containers) {
      options.signal?.throwIfAborted();
      if (Date.now() > until) throw targetTimeout(id, verb, options.timeoutMs);
      await work(container, graceSeconds);
    }
    const state = awaitHealth ? await healthInWords(id, until, options) : "";
    return { text: `${verb} ${id} (${containers.map(nameOf).join(", ")})${state}`, before, after: await get(id) };
  }

  /** Does `work` on one replica after another, each healthy again before the next. */
  async function performRolling(
    id: string,
    verb: string,
    options: ActOptions,
    work: (container: Inspected, graceSeconds: number) => Promise<unknown>,
    refuse: (containers: readonly Inspected[]) => void = () => {},
  ): Promise<ActResult> {
    const until = Date.now() + options.timeoutMs;
    const containers = await find(id);
    const before = targetOf(id, containers);
    if (!before.managed) throw targetUnmanaged(id);
    refuse(containers);
    const graceSeconds = graceOf(options);
    const { done, incomplete } = await roll(
      () => find(id),
      until,
      options.signal,
      (container) => work(container, graceSeconds),
    );
    const state = incomplete === undefined ? await healthInWords(id, until, options) : `; ${incomplete}`;
    const text = `${verb} ${id} (${done.join(", ")})${state}`;
    return { text, before, after: await get(id), ...(incomplete === undefined ? {} : { incomplete }) };
  }

  const healthInWords = async (id: string, until: number, { signal, timeoutMs }: ActOptions): Promise<string> =>
    (await healthy(id, until, signal)) ? "; healthy" : `; not healthy within ${timeoutMs} ms`;

  async function once(options: ActOptions, act: () => Promise<ActResult>): Promise<ActResult> {
    const known = operations.get(options.operationId);
    if (known !== undefined) return await known;
    const done = act();
    operations.set(options.operationId, done);
    if (operations.size > OPERATIONS) operations.delete(operations.keys().next().value as string);
    done.catch((error) => {
      operations.delete(options.operationId); // what failed may be asked for again: each step looks first whether it is done
      log.warn({ operationId: options.operationId, reason: messageOf(error) }, "docker act failed");
    });
    return await done;
  }

  return {
    kind: "docker",
    list: async () => [...(await inspectAll())].map(([id, containers]) => targetOf(id, containers)),
    get,
    watch: (onEvent, signal) => watchContainers(docker, onEvent, signal),
    restart: (id, options) =>
      once(options, () =>
        performRolling(id, "restarted", options, (container, t) =>
          ask(`restart ${nameOf(container)}`, () => docker.getContainer(container.Id).restart({ t })),
        ),
      ),
    start: (id, options) =>
      once(options, () =>
        perform(id, "started", options, (container) =>
          ask(`start ${nameOf(container)}`, () => docker.getContainer(container.Id).start(), [304]),
        ),
      ),
    stop: (id, options) =>
      once(options, () =>
        perform(
          id,
          "stopped",
          options,
          (container, t) => ask(`stop ${nameOf(container)}`, () => docker.getContainer(container.Id).stop({ t }), [304]),
          false,
        ),
      ),
    rollback: (id, options) =>
      once(options, () =>
        performRolling(id, "rolled back", options, async (container, graceSeconds) => {
          const labels = labelsOf(container);
          if (labels[LABELS.operation] === options.operationId) {
            // Done before, or begun and cut short by a crash: brought to its end.
            await replaceContainer(docker, container, {}, { operationId: options.operationId, graceSeconds });
            return;
          }
          const allowed = [labels[LABELS.previousImage], labels[LABELS.rolledBackFrom]].filter((image) => image !== undefined);
          const image = options.toRevision ?? labels[LABELS.previousImage];
          // Only to an image that this container's own labels record, never to one that a caller thought of.
          if (image === container.Config.Image) return; // a rollback that was stopped halfway is undone only where it was done
          if (image === undefined || !allowed.includes(image)) throw targetNoPrevious(id, container.Config.Image, { known: allowed });
          await replaceContainer(docker, container, { image }, { operationId: options.operationId, graceSeconds });
        }),
      ),
    configure: (id, change, options) =>
      once(options, () =>
        performRolling(
          id,
          `set ${change.name} of`,
          options,
          (container, graceSeconds) => configure(docker, container, change, { operationId: options.operationId, graceSeconds }),
          (containers) => assertConfigurable(id, containers, change),
        ),
      ),
    recreate: (id, options) =>
      once(options, () =>
        performRolling(id, "made anew", options, (container, graceSeconds) =>
          replaceContainer(docker, container, {}, { operationId: options.operationId, graceSeconds }),
        ),
      ),
    reconnect: (id, options) =>
      once(options, () => performRolling(id, "reconnected", options, (container) => reconnect(docker, container))),
    scale: (id, replicas, options) =>
      once(options, async () => {
        const until = Date.now() + options.timeoutMs;
        const containers = await find(id);
        const before = targetOf(id, containers);
        if (!before.managed) throw targetUnmanaged(id);
        await scaleTo(docker, id, containers, replicas, {
          operationId: options.operationId,
          graceSeconds: graceOf(options),
          signal: options.signal,
        });
        const state = await healthInWords(id, until, options);
        const after = await get(id);
        return { text: `${id} has ${after.replicas.length} replicas in place of ${before.replicas.length}${state}`, before, after };
      }),
    async logs(id, { tail, sinceSeconds }) {
      const text = createCappedText(LOGS_CAP);
      for (const container of await find(id)) {
        const options = { follow: false, timestamps: true, tty: container.Config.Tty, tail: Math.min(tail, MAX_TAIL) };
        await ask(`logs of ${nameOf(container)}`, () =>
          readLogs(docker, container.Id, { ...options, ...(sinceSeconds === undefined ? {} : { sinceSeconds }) }, text.append),
        );
      }
      return text.toString();
    },
    async stats(id) {
      const running = (await find(id)).filter((container) => container.State.Running);
      const all = await Promise.all(
        running.map((container) => ask(`stats of ${nameOf(container)}`, () => docker.getContainer(container.Id).stats({ stream: false }))),
      );
      return sumStats(all.filter((stats) => stats !== undefined));
    },
    runOneOff: (spec) => runOneOff(docker, spec),
    reap: () => reapOneOffs(docker, Date.now()),
    async ping() {
      await ask("ping", () => docker.ping());
    },
    close: async () => {},
  };
}

/** Seconds that a process has to end by itself: a third of the time, at most ten. */
const graceOf = ({ timeoutMs }: ActOptions): number => Math.max(1, Math.min(10, Math.floor(timeoutMs / 3_000)));

/** Over all running replicas: cores in use, resident bytes without the page cache, processes. */
export function sumStats(all: readonly Docker.ContainerStats[]): Readonly<Record<string, number>> {
  let cpuCores = 0;
  let memoryBytes = 0;
  let pids = 0;
  for (const stats of all) {
    const used = stats.cpu_stats.cpu_usage.total_usage - stats.precpu_stats.cpu_usage.total_usage;
    const system = stats.cpu_stats.system_cpu_usage - (stats.precpu_stats.system_cpu_usage ?? 0);
    if (system > 0) cpuCores += (used / system) * (stats.cpu_stats.online_cpus ?? 1);
    const detail = stats.memory_stats.stats as Record<string, number> | undefined;
    memoryBytes += (stats.memory_stats.usage ?? 0) - (detail?.["inactive_file"] ?? detail?.["total_inactive_file"] ?? 0);
    pids += stats.pids_stats?.current ?? 0;
  }
  return { replicas: all.length, cpuCores, memoryBytes, pids };
}
