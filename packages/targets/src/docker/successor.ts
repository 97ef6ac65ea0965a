import type Docker from "dockerode";
import { baseNameOf, type Inspected, labelsOf, NEXT } from "./container-view.ts";
import { LABELS } from "./labels.ts";

type ImageConfig = Docker.ImageInspectInfo["Config"];

/** What the successor has otherwise than its predecessor: nothing, another image, or one configuration value (null takes it away). */
export interface Difference {
  readonly image?: string;
  readonly env?: { readonly name: string; readonly value: string | null };
  readonly limits?: Pick<Docker.HostConfig, "Memory" | "MemorySwap" | "NanoCpus" | "PidsLimit">;
}

/**
 * Pure: what to create so that a container's successor differs from it in the named difference alone.
 *
 * What the container took over from its own image (environment, command, …) is left out, so that the other image brings its own. Named volumes and binds
 * are in the host configuration; anonymous volumes are carried over by their names, so that no data stays behind.
 */
export function successorOf(
  container: Inspected,
  imageConfig: ImageConfig,
  difference: Difference,
  operationId: string,
): Docker.ContainerCreateOptions {
  const image = difference.image ?? container.Config.Image;
  const { Config: config, HostConfig: host } = container;
  const own: Record<string, unknown> = {};
  for (const key of ["Cmd", "Entrypoint", "User", "WorkingDir", "ExposedPorts", "Volumes", "Healthcheck", "StopSignal"]) {
    const value = (config as unknown as Record<string, unknown>)[key];
    const fromImage = (imageConfig as unknown as Record<string, unknown>)[key];
    if (value !== undefined && value !== null && JSON.stringify(value) !== JSON.stringify(fromImage)) own[key] = value;
  }
  const imageEnv = new Set(imageConfig.Env ?? []);
  return {
    name: `${baseNameOf(container)}${NEXT}`,
    Image: image,
    ...own,
    Env: envAfter(
      (config.Env ?? []).filter((entry) => !imageEnv.has(entry)),
      difference.env,
    ),
    Labels: labelsAfter(container, imageConfig, image, operationId),
    Tty: config.Tty,
    OpenStdin: config.OpenStdin,
    ...(hasGeneratedHostname(container) ? {} : { Hostname: config.Hostname }),
    HostConfig: { ...host, ...difference.limits, Binds: bindsAfter(container) },
    NetworkingConfig: { EndpointsConfig: endpointsOf(container) },
  };
}

function envAfter(env: readonly string[], change: Difference["env"]): string[] {
  if (!change) return [...env];
  const rest = env.filter((entry) => !entry.startsWith(`${change.name}=`));
  return change.value === null ? rest : [...rest, `${change.name}=${change.value}`];
}

const bindsAfter = (container: Inspected): string[] => [...(container.HostConfig.Binds ?? []), ...anonymousVolumes(container)];

function labelsAfter(container: Inspected, imageConfig: ImageConfig, image: string, operationId: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries(labelsOf(container))) if (imageConfig.Labels?.[name] !== value) labels[name] = value;
  const from = container.Config.Image;
  labels[LABELS.operation] = operationId;
  if (image === from) return labels;
  const isUndo = labels[LABELS.rolledBackFrom] === image;
  delete labels[LABELS.previousImage];
  delete labels[LABELS.rolledBackFrom];
  labels[isUndo ? LABELS.previousImage : LABELS.rolledBackFrom] = from;
  return labels;
}

/** Docker names a container after its own id unless told otherwise; the successor gets a name of its own. */
const hasGeneratedHostname = (container: Inspected): boolean =>
  container.Config.Hostname === "" || container.Id.startsWith(container.Config.Hostname) || container.HostConfig.NetworkMode === "host";

function anonymousVolumes(container: Inspected): string[] {
  const named = new Set([
    ...(container.HostConfig.Binds ?? []).map((bind) => bind.split(":")[1]),
    ...(container.HostConfig.Mounts ?? []).map((mount) => mount.Target),
  ]);
  return container.Mounts.filter((mount) => mount.Type === "volume" && mount.Name !== undefined && !named.has(mount.Destination)).map(
    (mount) => `${mount.Name}:${mount.Destination}${mount.RW ? "" : ":ro"}`,
  );
}

/** Same networks, aliases and fixed addresses; modes like `host` and `none` are in the host configuration. */
export function endpointsOf(container: Inspected): Record<string, Docker.EndpointSettings> {
  const mode = container.HostConfig.NetworkMode ?? "default";
  if (mode === "host" || mode === "none" || mode === "default" || mode === "bridge" || mode.startsWith("container:")) return {};
  const shortId = container.Id.slice(0, 12);
  return Object.fromEntries(
    Object.entries(container.NetworkSettings.Networks ?? {}).map(([network, endpoint]) => [
      network,
      {
        Aliases: (endpoint.Aliases ?? []).filter((alias: string) => alias !== shortId),
        ...(endpoint.IPAMConfig?.IPv4Address ? { IPAMConfig: endpoint.IPAMConfig } : {}),
      } as Docker.EndpointSettings,
    ]),
  );
}
