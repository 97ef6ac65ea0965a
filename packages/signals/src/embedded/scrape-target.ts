import { digestOf } from "@tocsin/runtime";
import { Labels } from "../promql/labels.ts";
import type { TargetGroup } from "./lab-client.ts";

/** One address to scrape and the labels its series get. */
export interface ScrapeTarget {
  readonly url: string;
  readonly labels: Labels;
}

/** Labels of a target whose job nobody named. */
const DEFAULT_JOB = "lab";

/** HTTP-SD groups to targets; `__scheme__` and `__metrics_path__` are honoured, other `__` labels dropped, equal targets merged. */
export function targetsOf(groups: readonly TargetGroup[]): ScrapeTarget[] {
  const targets = new Map<string, ScrapeTarget>();
  for (const { targets: addresses, labels } of groups) {
    const scheme = labels["__scheme__"] ?? "http";
    const path = labels["__metrics_path__"] ?? "/metrics";
    const visible = Object.entries(labels).filter(([name]) => !name.startsWith("__"));
    for (const address of addresses) {
      const url = `${scheme}://${address}${path}`;
      if (!URL.canParse(url)) continue;
      const target = { url, labels: Labels.fromPairs([["job", DEFAULT_JOB], ["instance", address], ...visible]) };
      targets.set(target.labels.key, target);
    }
  }
  return [...targets.values()];
}

/** A target's own labels win; what the scraped series says under the same name is kept as `exported_<name>`, as Prometheus does. */
export function withTargetLabels(scraped: readonly (readonly [string, string])[], target: Labels): Labels {
  const own = new Set(target.names);
  const renamed = scraped.map(([name, value]) => [own.has(name) ? `exported_${name}` : name, value] as const);
  return Labels.fromPairs([...renamed, ...target.pairs()]);
}

/** Equal for equal sets of targets. */
export const signatureOf = (targets: readonly ScrapeTarget[]): string => digestOf(targets.map((target) => [target.url, target.labels.key]));
