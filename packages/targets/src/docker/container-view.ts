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
const isReplica = (container: Inspected): boolean =>
  labelsOf(container)[LABELS.oneOff] !== "true" && labelsOf(container)[LABELS.composeOneOff] !== "True";

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

/**
 * The containers in service, by service, in order of their names; one-offs and containers that name no service are left out. Where several
 * compose projects have a service of one name, each is `<project>-<service>` and the bare name means none of them.
 */
export function byService(containers: readonly Inspected[]): ReadonlyMap<string, readonly Inspected[]> {
  const byName = Map.groupBy(
    containers.filter((container) => isReplica(container) && serviceOf(labelsOf(container)) !== undefined),
    baseNameOf,
  );
  const counted = [...byName.values()].map(inService).sort((a, b) => byNumber(baseNameOf(a), baseNameOf(b)));
  const services = Map.groupBy(counted, (container) => serviceOf(labelsOf(container)) as string);
  const named = new Map<string, readonly Inspected[]>();
  for (const [service, replicas] of services) {
    const projects = Map.groupBy(replicas, (container) => labelsOf(container)[LABELS.composeProject] ?? "");
    for (const [project, own] of projects)
      named.set(projects.size === 1 ? service : project === "" ? `${service}-alone` : `${project}-${service}`, own);
  }
  return named;
}

/** `web-10` comes after `web-9`. */
const byNumber = (a: string, b: string): number => new Intl.Collator("en", { numeric: true }).compare(a, b);

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
    ...configOf(containers),
  };
}

/** What the owner's label allows to be set, as the first replica has it: they are set alike. */
function configOf(containers: readonly Inspected[]): Pick<Target, "config"> {
  const names = configNames(containers);
  const [first] = containers;
  if (names.length === 0 || first === undefined) return {};
  return { config: Object.fromEntries(names.map((name) => [name, configValue(first, name)])) };
}

/** Only what every replica's label names. */
export const configNames = (containers: readonly Inspected[]): readonly string[] =>
  containers
    .map((container) => (labelsOf(container)[LABELS.config] ?? "").split(",").flatMap((name) => name.trim() || []))
    .reduce((all, own) => all.filter((name) => own.includes(name)));

/** The value of a resource limit or of an environment variable; null when it has none. */
export function configValue(container: Inspected, name: string): string | null {
  const { HostConfig: host } = container;
  if (name === "memory") return host.Memory ? String(host.Memory) : null;
  if (name === "cpus") return host.NanoCpus ? String(host.NanoCpus / 1e9) : null;
  if (name === "pids") return host.PidsLimit && host.PidsLimit > 0 ? String(host.PidsLimit) : null;
  const entry = container.Config.Env?.find((each) => each.startsWith(`${name}=`));
  return entry === undefined ? null : entry.slice(name.length + 1);
}
