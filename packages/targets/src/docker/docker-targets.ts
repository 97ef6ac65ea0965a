import { type Logger, messageOf } from "@tocsin/runtime";
import Docker from "dockerode";
import { targetNoPrevious, targetTimeout, targetUnknown, targetUnmanaged, targetUnsupported } from "../errors.ts";
import type { ActOptions, ActResult, Target, TargetPort } from "../target-port.ts";
import { createCappedText } from "./capped-text.ts";
import { byService, type Inspected, labelsOf, nameOf, replicaOf, targetOf } from "./container-view.ts";
import { ask, readLogs } from "./docker-calls.ts";
import { LABELS } from "./labels.ts";
import { reapOneOffs, runOneOff } from "./one-off.ts";
import { replaceContainer } from "./replace-container.ts";

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

  /** Does `work` on each replica in turn: the next is touched only after the one before was. */
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
    const graceSeconds = Math.max(1, Math.min(10, Math.floor(options.timeoutMs / 3_000)));
    for (const container of containers) {
      options.signal?.throwIfAborted();
      if (Date.now() > until) throw targetTimeout(id, verb, options.timeoutMs);
      await work(container, graceSeconds);
    }
    const names = containers.map(nameOf).join(", ");
    const state = !awaitHealth
      ? ""
      : (await healthy(id, until, options.signal))
        ? "; healthy"
        : `; not healthy within ${options.timeoutMs} ms`;
    return { text: `${verb} ${id} (${names})${state}`, before, after: await get(id) };
  }

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
    restart: (id, options) =>
      once(options, () =>
        perform(id, "restarted", options, (container, t) =>
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
        perform(id, "rolled back", options, async (container, graceSeconds) => {
          const labels = labelsOf(container);
          if (labels[LABELS.operation] === options.operationId) {
            // Done before, or begun and cut short by a crash: brought to its end.
            await replaceContainer(docker, container, container.Config.Image, { operationId: options.operationId, graceSeconds });
            return;
          }
          const allowed = [labels[LABELS.previousImage], labels[LABELS.rolledBackFrom]].filter((image) => image !== undefined);
          const image = options.toRevision ?? labels[LABELS.previousImage];
          // Only to an image that this container's own labels record, never to one that a caller thought of.
          if (image === undefined || !allowed.includes(image)) throw targetNoPrevious(id, container.Config.Image, { known: allowed });
          await replaceContainer(docker, container, image, { operationId: options.operationId, graceSeconds });
        }),
      ),
    scale: async (id) => {
      await get(id);
      throw targetUnsupported(`${id}: Docker alone does not scale a service`);
    },
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
