import type Docker from "dockerode";
import { baseNameOf, type Inspected, labelsOf, NEXT } from "./container-view.ts";
import { LABELS } from "./labels.ts";

type ImageConfig = Docker.ImageInspectInfo["Config"];

/**
 * Pure: what to create so that a container's successor differs from it in the image alone.
 *
 * What the container took over from its own image (environment, command, …) is left out, so that the other image brings its own. Named volumes and binds
 * are in the host configuration; anonymous volumes are carried over by their names, so that no data stays behind.
 */
export function successorOf(
  container: Inspected,
  imageConfig: ImageConfig,
  image: string,
  operationId: string,
): Docker.ContainerCreateOptions {
  const { Config: config, HostConfig: host } = container;
  const own: Record<string, unknown> = {};
  for (const key of ["Cmd", "Entrypoint", "User", "WorkingDir", "ExposedPorts", "Healthcheck", "StopSignal"]) {
    const value = (config as unknown as Record<string, unknown>)[key];
    const fromImage = (imageConfig as unknown as Record<string, unknown>)[key];
    if (value !== undefined && value !== null && JSON.stringify(value) !== JSON.stringify(fromImage)) own[key] = value;
  }
  const imageEnv = new Set(imageConfig.Env ?? []);
  return {
    name: `${baseNameOf(container)}${NEXT}`,
    Image: image,
    ...own,
    Env: (config.Env ?? []).filter((entry) => !imageEnv.has(entry)),
    Labels: labelsAfter(container, imageConfig, image, operationId),
    Tty: config.Tty,
    OpenStdin: config.OpenStdin,
    ...(hasGeneratedHostname(container) ? {} : { Hostname: config.Hostname }),
    HostConfig: { ...host, Binds: [...(host.Binds ?? []), ...anonymousVolumes(container)] },
    NetworkingConfig: { EndpointsConfig: endpointsOf(container) },
  };
}

function labelsAfter(container: Inspected, imageConfig: ImageConfig, image: string, operationId: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries(labelsOf(container))) if (imageConfig.Labels?.[name] !== value) labels[name] = value;
  const from = container.Config.Image;
  const isUndo = labels[LABELS.rolledBackFrom] === image;
  delete labels[LABELS.previousImage];
  delete labels[LABELS.rolledBackFrom];
  labels[isUndo ? LABELS.previousImage : LABELS.rolledBackFrom] = from;
  labels[LABELS.operation] = operationId;
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

/** Same networks and aliases, other addresses; modes like `host` and `none` are in the host configuration. */
function endpointsOf(container: Inspected): Record<string, Docker.EndpointSettings> {
  const mode = container.HostConfig.NetworkMode ?? "default";
  if (mode === "host" || mode === "none" || mode === "default" || mode === "bridge" || mode.startsWith("container:")) return {};
  const shortId = container.Id.slice(0, 12);
  return Object.fromEntries(
    Object.entries(container.NetworkSettings.Networks ?? {}).map(([network, endpoint]) => [
      network,
      { Aliases: (endpoint.Aliases ?? []).filter((alias: string) => alias !== shortId) } as Docker.EndpointSettings,
    ]),
  );
}
