// Terms. A *container* becomes a *replica* of the service that its labels name. While a container is being replaced there are
// two of them: `<name>` is the one in service, `<name>-tocsin-next` its successor, `<name>-tocsin-prev` its predecessor.
import type Docker from "dockerode";
import type { Replica, Target } from "../target-port.ts";
import { LABELS } from "./labels.ts";

export type Inspected = Docker.ContainerInspectInfo;

export const NEXT = "-tocsin-next";
export const PREVIOUS = "-tocsin-prev";

export const nameOf = (container: Inspected): string => container.Name.replace(/^\//, "");
export const baseNameOf = (container: Inspected): string => nameOf(container).replace(/-tocsin-(next|prev)$/, "");
export const labelsOf = (container: Inspected): Readonly<Record<string, string>> => container.Config.Labels ?? {};
const serviceOf = (labels: Readonly<Record<string, string>>): string | undefined => labels[LABELS.service] ?? labels[LABELS.composeService];

export function replicaOf(container: Inspected): Replica {
  const { State: state } = container;
  const health = state.Health?.Status;
  return {
    id: nameOf(container),
    state: stateOf(state),
    healthy: state.Running && !state.Paused && !state.Restarting && (health === undefined || health === "none" || health === "healthy"),
    ...(state.StartedAt && !state.StartedAt.startsWith("0001-") ? { startedAt: new Date(state.StartedAt).toISOString() } : {}),
    restarts: container.RestartCount,
    ...(state.Running ? {} : { exitCode: state.ExitCode }),
    oomKilled: state.OOMKilled,
  };
}

function stateOf(state: Inspected["State"]): Replica["state"] {
  if (state.Restarting) return "restarting";
  if (state.Paused) return "paused";
  if (state.Running) return "running";
  return state.Status === "created" ? "created" : "exited";
}

/** Which container of a name counts: the one in service; while it is being replaced and absent, its successor; else its predecessor. */
function inService(containers: readonly Inspected[]): Inspected {
  const rank = (container: Inspected) => (nameOf(container).endsWith(NEXT) ? 1 : nameOf(container).endsWith(PREVIOUS) ? 2 : 0);
  return [...containers].sort((a, b) => rank(a) - rank(b))[0] as Inspected;
}

/** The containers in service, by service, in order of their names; one-offs and containers that name no service are left out. */
export function byService(containers: readonly Inspected[]): ReadonlyMap<string, readonly Inspected[]> {
  const byName = Map.groupBy(
    containers.filter((container) => labelsOf(container)[LABELS.oneOff] !== "true" && serviceOf(labelsOf(container)) !== undefined),
    baseNameOf,
  );
  const counted = [...byName.values()].map(inService).sort((a, b) => (baseNameOf(a) < baseNameOf(b) ? -1 : 1));
  return Map.groupBy(counted, (container) => serviceOf(labelsOf(container)) as string);
}

/** A service whose replicas run different images has all of them in its revision: it stands between two. */
export function targetOf(service: string, containers: readonly Inspected[]): Target {
  const labels = labelsOf(containers[0] as Inspected);
  const revision = [...new Set(containers.map((container) => container.Config.Image))].join(" and ");
  const previousImage = labels[LABELS.previousImage];
  return {
    id: service,
    managed: containers.every((container) => labelsOf(container)[LABELS.managed] === "true"),
    replicas: containers.map(replicaOf),
    revision,
    ...(previousImage === undefined ? {} : { previousRevision: previousImage }),
    labels,
  };
}
