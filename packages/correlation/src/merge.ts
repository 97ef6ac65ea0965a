import type { Reason } from "@tocsin/contracts";
import type { CorrelationConfig } from "./config.ts";
import { commonDependency, gapOf } from "./evidence.ts";
import type { AlertState, LiveIncident, WorkingSet } from "./working-set.ts";

/**
 * Should two incidents that one alert belongs to become one? A shared symptom is not enough: one root has to explain the other,
 * directly or through something silent that both depend on, or the shared alert is about infrastructure that both stand on.
 *
 * @returns the reasons for merging, or undefined to leave them apart
 */
export function mergeable(
  set: WorkingSet,
  a: LiveIncident,
  b: LiveIncident,
  link: AlertState,
  config: CorrelationConfig,
): readonly Reason[] | undefined {
  if (a === b || a.state === "closed" || b.state === "closed") return undefined;
  if (a.decidedByPerson || b.decidedByPerson || a.apart.has(b.id) || b.apart.has(a.id)) return undefined;
  // What is being acted on keeps its members: the run was approved for them.
  if (isActedOn(a) && isActedOn(b)) return undefined;
  const [rootA, rootB] = [a.root, b.root];
  if (rootA === undefined || rootB === undefined) return undefined;
  const gap = Math.max(0, Math.max(a.startedAt, b.startedAt) - Math.min(a.lastAt, b.lastAt));
  if (gap > config.maxWindowMs || Math.min(gapOf(a, link.startsAt), gapOf(b, link.startsAt)) > config.windowMs) return undefined;
  const time = config.weights.time * Math.max(0, 1 - gap / config.windowMs);
  const reasons: Reason[] = [];
  let sum = 0;
  const say = (kind: string, weight: number, text: string): void => {
    const rounded = Math.round(weight * 1000) / 1000;
    if (rounded === 0) return;
    sum += rounded;
    reasons.push({ kind, weight: rounded, text });
  };
  const nameOf = (alert: AlertState): string => alert.service ?? alert.name;
  if (rootA.node !== "" && rootB.node !== "") {
    const hops = set.graph.reach(rootA.node).get(rootB.node) ?? set.graph.reach(rootB.node).get(rootA.node);
    if (rootA.node === rootB.node) say("same-service", config.weights.sameService, `both start at ${nameOf(rootA)}`);
    else if (hops !== undefined)
      say(
        "topology",
        config.weights.topology[hops - 1] ?? 0,
        `${nameOf(rootA)} and ${nameOf(rootB)} are on one dependency path, ${hops} calls apart`,
      );
    else {
      const tie = commonDependency(set, rootA.node, rootB.node, config);
      if (tie !== undefined)
        say("common-dependency", tie.weight, `${nameOf(rootA)} and ${nameOf(rootB)} both depend on ${tie.via}, which is silent`);
    }
  }
  for (const key of link.infrastructure) {
    if (!key.startsWith("host=") && !key.startsWith("database=")) continue;
    if (rootA.infrastructure.includes(key) && rootB.infrastructure.includes(key) && link.node === "")
      say("host-fault", 0.5, `both stand on ${key.slice(key.indexOf("=") + 1)}, which is alerted on`);
  }
  if (sum === 0) return undefined;
  say("time", time, `started ${Math.round(gap / 1000)} s apart`);
  return sum >= config.mergeAt ? reasons : undefined;
}

const isActedOn = (incident: LiveIncident): boolean => incident.state !== "open" && incident.state !== "investigating";
