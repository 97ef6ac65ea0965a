// Terms. A *contrast query* asks for evidence that would not be there if the leading candidate were not the cause. The list is closed: each is
// a concrete question that our code builds from what was found, and its answer is judged by our code. A model only picks one by its id.
import type { Diagnosis, SignalName, Topology } from "@tocsin/contracts";
import type { RankedService } from "@tocsin/diagnosis";
import { SIGNAL_TRAITS } from "@tocsin/diagnosis";
import { WITHOUT_LEVEL } from "../watch.ts";
import { isNameLike } from "./untrusted.ts";

export type ContrastQuery = { readonly id: string; readonly text: string; readonly service: string } & (
  | {
      readonly kind: "signal-now";
      readonly signal: SignalName;
      readonly direction: "up" | "down";
      readonly baseline: number;
      readonly level: number;
      readonly onsetAt: number;
    }
  | { readonly kind: "logs-before"; readonly templates: readonly { readonly template: string; readonly after: number }[] }
  | { readonly kind: "calls-into"; readonly callers: readonly string[] }
  | {
      readonly kind: "sibling";
      readonly sibling: string;
      readonly signal: SignalName;
      readonly direction: "up" | "down";
      readonly factor: number;
      readonly onsetAt: number;
    }
);
type Unnumbered = ContrastQuery extends infer Each ? (Each extends ContrastQuery ? Omit<Each, "id"> : never) : never;

const MAX_QUERIES = 6;
const MAX_SIBLINGS = 2;

/** Pure: the questions that could speak against the leading candidate, the strongest evidence's first. */
export function contrastsOf(diagnosis: Diagnosis, ranking: readonly RankedService[], topology: Topology): readonly ContrastQuery[] {
  const top = diagnosis.causes[0];
  const ranked = top && ranking.find(({ service }) => service === top.service);
  if (!ranked || !isNameLike(ranked.service)) return [];
  const { service } = ranked;
  const findings = ranked.contributions.filter((each) => each.points > 0).flatMap((each) => each.findings);
  const metrics = findings
    .flatMap(({ source, strength }) => (source.kind === "metric" ? [{ ...source, strength }] : []))
    .sort((a, b) => b.strength - a.strength);
  const queries: Unnumbered[] = [];
  for (const { series, anomaly } of metrics.slice(0, 2)) {
    const { signal } = series;
    const { direction, baseline, level, onsetAt } = anomaly;
    if (WITHOUT_LEVEL.has(signal)) continue;
    const text = `Is ${service}'s ${SIGNAL_TRAITS[signal].words} still off at the end, or back at its baseline while alerts fire?`;
    queries.push({ kind: "signal-now", service, signal, direction, baseline, level, onsetAt, text });
  }
  const logs = findings.flatMap(({ source }) =>
    source.kind === "log" && source.log.kind !== "vanished" && source.log.service === service ? [source.log] : [],
  );
  if (logs.length > 0) {
    const templates = logs.slice(0, 3).map(({ template, after }) => ({ template, after }));
    queries.push({
      kind: "logs-before",
      service,
      templates,
      text: `Did ${service} log the same lines just as often in an earlier window?`,
    });
  }
  // Only of a candidate that is said to trouble its callers: one that runs out of memory by itself may answer as ever.
  const callers = topology.services
    .filter(({ id, dependsOn }) => dependsOn.includes(service) && ranked.explains.includes(id))
    .map(({ id }) => id);
  if (callers.length > 0) {
    queries.push({
      kind: "calls-into",
      service,
      callers,
      text: `Do the calls into ${service} fail or take longer, as its callers see them?`,
    });
  }
  const strongest = metrics.find(({ series }) => !WITHOUT_LEVEL.has(series.signal));
  if (strongest) {
    const { signal } = strongest.series;
    const { direction, baseline, level, onsetAt } = strongest.anomaly;
    const siblings = topology.services.filter(
      ({ id }) =>
        id !== service &&
        isNameLike(id) &&
        !ranked.explains.includes(id) &&
        !diagnosis.causes.some((cause) => cause.service === id) &&
        topology.services.some((caller) => caller.dependsOn.includes(service) && caller.dependsOn.includes(id)),
    );
    for (const { id: sibling } of siblings.slice(0, MAX_SIBLINGS)) {
      const factor = level / (baseline === 0 ? 1e-9 : baseline);
      const text = `Did ${sibling}, which the same services call, change in its ${SIGNAL_TRAITS[signal].words} as much and as early as ${service}?`;
      queries.push({ kind: "sibling", service, sibling, signal, direction, factor, onsetAt, text });
    }
  }
  return queries.slice(0, MAX_QUERIES).map((query, index) => ({ ...query, id: `q${index + 1}` }) as ContrastQuery);
}
