// Reads incidents that others described (ITBench's layout: `scenario_*/groundtruth_v1.yaml`) and mixes some of them into one stream of alerts
// with one topology, as if each were a fault in an application of its own that nothing but its own calls ties together.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Alert, Topology } from "@tocsin/contracts";
import { parse } from "yaml";

interface Group {
  readonly id: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly root_cause?: boolean;
}

interface GroundTruth {
  readonly alerts?: readonly { readonly id?: string; readonly group_id?: string; readonly metadata?: { readonly description?: string } }[];
  readonly aliases?: readonly (readonly string[])[];
  readonly groups?: readonly Group[];
  readonly propagations?: readonly { readonly source: string; readonly target: string }[];
}

export interface Scenario {
  readonly name: string;
  readonly alerts: readonly { readonly rule: string; readonly group: string | undefined; readonly text: string; readonly depth: number }[];
  readonly groups: readonly Group[];
  readonly propagations: readonly { readonly source: string; readonly target: string }[];
  /** The alerting groups that the fault reaches first, and every name for them; empty when the description does not tell. */
  readonly firstHit: ReadonlySet<string>;
  /** Is one of them the root cause itself? */
  readonly rootAlerts: boolean;
}

/** A random number generator that a printed seed repeats (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function readScenarios(folder: string): Scenario[] {
  const scenarios: Scenario[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory() || !entry.name.startsWith("scenario_")) continue;
    let text: string;
    try {
      text = readFileSync(join(folder, entry.name, "groundtruth_v1.yaml"), "utf8");
    } catch {
      continue;
    }
    const document = parse(text) as { spec?: GroundTruth } & GroundTruth;
    const scenario = scenarioOf(entry.name, document.spec ?? document);
    if (scenario.alerts.length > 0) scenarios.push(scenario);
  }
  return scenarios.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

function scenarioOf(name: string, truth: GroundTruth): Scenario {
  const groups = truth.groups ?? [];
  const propagations = truth.propagations ?? [];
  const aliases = truth.aliases ?? [];
  const roots = groups.filter((group) => group.root_cause === true).map(({ id }) => id);
  const depths = depthsFrom(roots, propagations, aliases);
  const seen = new Set<string>();
  const alerts: { rule: string; group: string | undefined; listed: string | undefined; text: string; depth: number }[] = [];
  for (const { id, group_id: group, metadata } of truth.alerts ?? []) {
    if (id === undefined || seen.has(`${id}|${group}`)) continue;
    seen.add(`${id}|${group}`);
    // Some alerts name a group by another spelling of the same thing: `ad-service` for `ad-service-1`.
    const listed = group === undefined ? undefined : (groups.find((each) => each.id === group) ?? sameThing(groups, group))?.id;
    const depth = (listed === undefined ? undefined : depths.get(listed)) ?? Math.max(1, ...depths.values());
    alerts.push({ rule: id, group, listed, text: metadata?.description ?? "", depth });
  }
  const reached = alerts.filter(({ listed }) => listed !== undefined && depths.has(listed));
  const nearest = Math.min(...reached.map(({ depth }) => depth));
  const firstHit = new Set<string>();
  for (const { group, listed, depth } of reached) {
    if (depth !== nearest) continue;
    firstHit.add(group as string);
    for (const alias of aliases) if (alias.includes(listed as string)) for (const other of alias) firstHit.add(other);
  }
  return { name, alerts, groups, propagations, firstHit, rootAlerts: reached.length > 0 && nearest === 0 };
}

/** The service group that differs from a name in hyphens, kind of object and ordinal alone, when there is exactly one. */
function sameThing(groups: readonly Group[], name: string): Group | undefined {
  const plain = (id: string) => id.replace(KINDED, "").replaceAll("-", "");
  const same = groups.filter((group) => group.kind === "Service" && plain(group.id) === plain(name));
  return same.length === 1 ? same[0] : undefined;
}

/** Steps of propagation from the root causes; names of one thing are no step apart. */
function depthsFrom(
  roots: readonly string[],
  propagations: readonly { readonly source: string; readonly target: string }[],
  aliases: readonly (readonly string[])[],
): Map<string, number> {
  const depths = new Map<string, number>();
  let frontier = [...roots];
  for (let depth = 0; frontier.length > 0; depth++) {
    const here = new Set<string>();
    for (const id of frontier) {
      here.add(id);
      for (const alias of aliases) if (alias.includes(id)) for (const other of alias) here.add(other);
    }
    const next = new Set<string>();
    for (const id of here) {
      if (depths.has(id)) continue;
      depths.set(id, depth);
      for (const { source, target } of propagations) if (source === id && !depths.has(target)) next.add(target);
    }
    frontier = [...next];
  }
  return depths;
}

export interface MixOptions {
  readonly offsetSeconds: number;
  readonly seed: number;
  /** Between a cause and its effect. `0`: everything of a scenario fires at once. */
  readonly stepSeconds: number;
  /** Do the services of an application share a prefix, as they mostly do, or has each a name of its own that says nothing? */
  readonly names: "application" | "opaque";
  /** Do alert texts name the services as the labels do, or as in the original, so that equal names mean different services? */
  readonly texts: "own" | "original";
}

export interface Mix {
  readonly alerts: readonly Alert[];
  /** The scenario of each alert, by fingerprint. */
  readonly truth: ReadonlyMap<string, number>;
  readonly topology: Topology;
  /** Names that are right as the root of each scenario. */
  readonly firstHit: readonly ReadonlySet<string>[];
  /** The group of each alert, by fingerprint. */
  readonly groups: ReadonlyMap<string, string>;
}

const START = Date.parse("2026-01-01T00:00:00Z");
const KINDED = /[-_](service|pod|deployment|replicaset)(-\d+)?$/;

/** One stream of the alerts of several scenarios; `fingerprint` computes the identity of a label set. */
export function mix(scenarios: readonly Scenario[], options: MixOptions, identify: (labels: Record<string, string>) => string): Mix {
  const random = seeded(options.seed);
  const alerts: Alert[] = [];
  const truth = new Map<string, number>();
  const services = new Map<string, { id: string; dependsOn: string[]; labels: Record<string, string> }>();
  const firstHit: ReadonlySet<string>[] = [];
  const groups = new Map<string, string>();
  const node = (id: string) => {
    const known = services.get(id) ?? { id, dependsOn: [], labels: {} };
    services.set(id, known);
    return known;
  };

  scenarios.forEach((scenario, index) => {
    // Applications are told apart by a random name, which no rule of the engine knows.
    const application = Math.floor(random() * 36 ** 4)
      .toString(36)
      .padStart(4, "x");
    const opaque = new Map<string, string>();
    const rename = (id: string): string => {
      if (options.names === "application") return `${application}-${id}`;
      // Objects of one workload keep one name: that is what their names are for.
      const base = id.replace(KINDED, "");
      const word = opaque.get(base) ?? `w${Math.floor(random() * 36 ** 6).toString(36)}`;
      opaque.set(base, word);
      return word + id.slice(base.length);
    };
    for (const group of scenario.groups) node(rename(group.id));
    for (const { source, target } of scenario.propagations) {
      node(rename(source));
      node(rename(target)).dependsOn.push(rename(source));
    }
    const namespaces = scenario.groups.filter(({ kind }) => kind === "Service" || kind === "Pod").map(({ namespace }) => namespace);
    const home = namespaces.find((namespace) => namespace !== undefined) ?? "default";
    firstHit.push(new Set([...scenario.firstHit].map(rename)));
    const bases = [...new Set(scenario.groups.map(({ id }) => id.replace(KINDED, "")))].sort((a, b) => b.length - a.length);
    const own = (text: string) => (options.texts === "own" ? renameIn(text, bases, rename) : text);
    for (const { rule, group, text, depth } of scenario.alerts) {
      const of = scenario.groups.find(({ id }) => id === group);
      const labels: Record<string, string> = { alertname: rule, namespace: of?.namespace ?? home, severity: "warning" };
      if (of?.kind === "Pod" && group) labels["pod"] = rename(group);
      else if (of?.kind !== "Namespace" && group) labels["service"] = rename(group);
      const fingerprint = identify(labels);
      if (truth.has(fingerprint)) continue;
      truth.set(fingerprint, index);
      if (group !== undefined) groups.set(fingerprint, rename(group));
      const onset =
        index * options.offsetSeconds + depth * options.stepSeconds + (options.stepSeconds > 0 ? random() * options.stepSeconds : 0);
      const startsAt = new Date(START + Math.round(onset * 1000)).toISOString();
      alerts.push({
        fingerprint,
        dedupeKey: `sha256:${fingerprint.repeat(4)}`,
        source: "alertmanager",
        name: rule,
        severity: "warning",
        ...(labels["service"] === undefined ? {} : { service: labels["service"] }),
        scope: "default",
        status: "firing",
        labels,
        annotations: { description: own(text) },
        startsAt,
        receivedAt: startsAt,
      });
    }
  });
  addUnrelated(services, random);
  return { alerts, truth, topology: { services: [...services.values()] }, firstHit, groups };
}

function renameIn(text: string, bases: readonly string[], rename: (id: string) => string): string {
  let renamed = text;
  for (const base of bases) {
    const spoken = base.replaceAll("-", "[- ]?");
    renamed = renamed.replace(new RegExp(`(?<![\\w-])${spoken}(?![\\w-])`, "gi"), rename(base));
  }
  return renamed;
}

/** Services that have nothing to do with any of it, three that nearly everything calls and one that calls many, as fleets have them. */
function addUnrelated(
  services: Map<string, { id: string; dependsOn: string[]; labels: Record<string, string> }>,
  random: () => number,
): void {
  const real = [...services.keys()];
  for (let i = 0; i < 40; i++) {
    const dependsOn = [`unrelated-${Math.floor(random() * 40)}`, `unrelated-${Math.floor(random() * 40)}`].filter(
      (id) => id !== `unrelated-${i}`,
    );
    services.set(`unrelated-${i}`, { id: `unrelated-${i}`, dependsOn, labels: {} });
  }
  const all = [...services.keys()];
  for (const hub of ["name-resolution", "identity", "telemetry-gateway"])
    for (const id of all) if (random() < 0.8) services.get(id)?.dependsOn.push(hub);
  services.set("edge-balancer", { id: "edge-balancer", dependsOn: real.filter(() => random() < 0.3), labels: {} });
}
