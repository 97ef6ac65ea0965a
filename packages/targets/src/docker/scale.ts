// Replicas by label: a new one is a copy of the newest under the next number, as `docker compose up --scale` names them.
import type Docker from "dockerode";
import { targetUnsupported } from "../errors.ts";
import { baseNameOf, type Inspected, labelsOf, NEXT, nameOf } from "./container-view.ts";
import { ask } from "./docker-calls.ts";
import { LABELS } from "./labels.ts";
import { successorOf } from "./successor.ts";

/** More than this of one service on one daemon is a mistake. */
const MOST = 50;
const NUMBERED = /^(.*[-_])(\d+)$/;

/** Pure: why a container cannot have a sibling, or undefined. */
function copyProblem({ HostConfig: host, Mounts: mounts, NetworkSettings: networks }: Inspected): string | undefined {
  const ports = Object.values((host.PortBindings ?? {}) as Record<string, { HostPort?: string }[] | null>).flat();
  if (ports.some((binding) => binding?.HostPort !== undefined && binding.HostPort !== "" && binding.HostPort !== "0"))
    return "it has a fixed port of the host, which only one container can have";
  if (Object.values(networks.Networks ?? {}).some((endpoint) => endpoint.IPAMConfig?.IPv4Address))
    return "it has a fixed address, which only one container can have";
  if (host.AutoRemove) return "it is removed when it stops (--rm)";
  if ((host.NetworkMode ?? "").startsWith("container:")) return "it shares another container's network";
  // By its name, since one that was carried over to a successor is bound like a named one.
  const anonymous = mounts.find((mount) => mount.Type === "volume" && /^[0-9a-f]{64}$/.test(mount.Name ?? ""));
  return anonymous === undefined
    ? undefined
    : `its data in ${anonymous.Destination} is in a volume of its own, which a copy would not have`;
}

/** Pure: the names that further replicas get; numbers in use are left out. */
function nextNames(names: readonly string[], count: number): readonly { readonly name: string; readonly number: number }[] {
  const first = names[0] as string;
  const prefix = NUMBERED.exec(first)?.[1] ?? `${first}-`;
  const used = new Set(names.map((name) => (name.startsWith(prefix) ? Number(NUMBERED.exec(name)?.[2] ?? 1) : 1)));
  const found: { name: string; number: number }[] = [];
  for (let number = 1; found.length < count; number++) if (!used.has(number)) found.push({ name: `${prefix}${number}`, number });
  return found;
}

/**
 * Brings a service to so many replicas. Removes the ones with the highest numbers, never their volumes; a copy has the settings, networks and
 * named volumes of the newest. A repeated call goes on where the first one ended, since it only looks at how many there are.
 *
 * @throws AppError `TARGET_UNSUPPORTED` when the replicas cannot be copied
 */
export async function scaleTo(
  docker: Docker,
  id: string,
  containers: readonly Inspected[],
  replicas: number,
  options: { readonly operationId: string; readonly graceSeconds: number; readonly signal: AbortSignal | undefined },
): Promise<void> {
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > MOST)
    throw targetUnsupported(`${id}: ${replicas} replicas are not from 1 to ${MOST}`);
  const source = containers.at(-1) as Inspected;
  if (containers.length < replicas) {
    const problem = copyProblem(source);
    if (problem) throw targetUnsupported(`${id} cannot have another replica: ${problem}`);
    const image = await ask(`inspect image ${source.Image}`, () => docker.getImage(source.Image).inspect());
    const spec = successorOf(source, (image as Docker.ImageInspectInfo).Config ?? {}, {}, options.operationId);
    for (const { name, number } of nextNames(containers.map(baseNameOf), replicas - containers.length)) {
      options.signal?.throwIfAborted();
      const isCompose = labelsOf(source)[LABELS.composeNumber] !== undefined;
      const labels = { ...spec.Labels, ...(isCompose ? { [LABELS.composeNumber]: String(number) } : {}) };
      await ask(`create ${name}`, () => docker.createContainer({ ...spec, name, Labels: labels }), [409]);
      await ask(`start ${name}`, () => docker.getContainer(name).start(), [304]);
    }
    return;
  }
  for (const container of containers.slice(replicas).toReversed()) {
    options.signal?.throwIfAborted();
    const name = nameOf(container);
    await ask(`stop ${name}`, () => docker.getContainer(container.Id).stop({ t: options.graceSeconds }), [304, 404]);
    await ask(`remove ${name}`, () => docker.getContainer(container.Id).remove({ force: true, v: false }), [404]);
    await ask(`remove ${name + NEXT}`, () => docker.getContainer(baseNameOf(container) + NEXT).remove({ force: true }), [404]);
  }
}
