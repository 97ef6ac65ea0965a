import type { Alert } from "@tocsin/contracts";
import type { Replay, ReplayedIncident } from "./replay.ts";

export interface Comparison {
  readonly transitions: number;
  readonly incidents: { readonly before: number; readonly after: number };
  readonly suppressed: { readonly before: number; readonly after: number };
  /** Incidents of before whose alerts are in one incident now. */
  readonly merged: readonly { readonly from: readonly ReplayedIncident[]; readonly into: ReplayedIncident }[];
  /** Incidents of before whose alerts are in several now. */
  readonly split: readonly { readonly from: ReplayedIncident; readonly into: readonly ReplayedIncident[] }[];
  /** In an incident before, held back now. */
  readonly newlySuppressed: readonly { readonly alert: Alert; readonly reason: string }[];
  /** Held back before, in an incident now. */
  readonly released: readonly { readonly alert: Alert; readonly into: ReplayedIncident }[];
}

/** Pure: what becomes different, by where each transition that began to fire is. */
export function compare(history: readonly Alert[], before: Replay, after: Replay): Comparison {
  const intoOf = new Map<string, Set<string>>();
  const fromOf = new Map<string, Set<string>>();
  const newlySuppressed: { alert: Alert; reason: string }[] = [];
  const released: { alert: Alert; into: ReplayedIncident }[] = [];
  const firing = new Map(history.filter(({ status }) => status === "firing").map((alert) => [alert.dedupeKey, alert]));
  const counts = { before: 0, after: 0 };
  for (const [key, alert] of firing) {
    const [was, is] = [before.placed.get(key), after.placed.get(key)];
    if (was === undefined || is === undefined) continue;
    if ("suppressedBy" in was) counts.before++;
    if ("suppressedBy" in is) counts.after++;
    if ("incidentId" in was && "incidentId" in is) {
      add(intoOf, was.incidentId, is.incidentId);
      add(fromOf, is.incidentId, was.incidentId);
    } else if ("incidentId" in was && "suppressedBy" in is) newlySuppressed.push({ alert, reason: is.suppressedBy });
    else if ("suppressedBy" in was && "incidentId" in is) released.push({ alert, into: incidentOf(after, is.incidentId) });
  }
  return {
    transitions: history.length,
    incidents: { before: before.incidents.size, after: after.incidents.size },
    suppressed: counts,
    merged: [...fromOf].flatMap(([into, from]) =>
      from.size > 1 ? [{ from: [...from].map((id) => incidentOf(before, id)), into: incidentOf(after, into) }] : [],
    ),
    split: [...intoOf].flatMap(([from, into]) =>
      into.size > 1 ? [{ from: incidentOf(before, from), into: [...into].map((id) => incidentOf(after, id)) }] : [],
    ),
    newlySuppressed,
    released,
  };
}

function add(sets: Map<string, Set<string>>, key: string, value: string): void {
  const known = sets.get(key);
  if (known === undefined) sets.set(key, new Set([value]));
  else known.add(value);
}

const incidentOf = (replay: Replay, id: string): ReplayedIncident =>
  replay.incidents.get(id) ?? { id, title: id, scope: "", startedAt: 0, members: 0 };

const EXAMPLES = 5;

/** The difference for a person to read. */
export function report(comparison: Comparison): string {
  const { transitions, incidents, suppressed, merged, split, newlySuppressed, released } = comparison;
  const row = (name: string, before: number | string, after: number | string): string =>
    `${name.padEnd(24)}${String(before).padStart(10)}${String(after).padStart(10)}`;
  const named = ({ title, members, startedAt }: ReplayedIncident): string =>
    `"${title}" (${members} alert${members === 1 ? "" : "s"}, ${new Date(startedAt).toISOString()})`;
  const listed = (title: string, lines: readonly string[]): string[] => [
    "",
    `${title}: ${lines.length}`,
    ...lines.slice(0, EXAMPLES).map((line) => `  ${line}`),
    ...(lines.length > EXAMPLES ? [`  … and ${lines.length - EXAMPLES} more`] : []),
  ];
  const alertOf = ({ service, name, startsAt }: Alert): string => `${service ?? "?"}: ${name} (${startsAt})`;
  return [
    `${transitions} transitions replayed`,
    row("", "before", "after"),
    row("incidents", incidents.before, incidents.after),
    row("firings suppressed", suppressed.before, suppressed.after),
    ...listed(
      "merged",
      merged.map(({ from, into }) => `${from.map(named).join(" + ")} → ${named(into)}`),
    ),
    ...listed(
      "split",
      split.map(({ from, into }) => `${named(from)} → ${into.map(named).join(" + ")}`),
    ),
    ...listed(
      "suppressed now",
      newlySuppressed.map(({ alert, reason }) => `${alertOf(alert)}: ${reason}`),
    ),
    ...listed(
      "no longer suppressed",
      released.map(({ alert, into }) => `${alertOf(alert)} → ${named(into)}`),
    ),
    "",
  ].join("\n");
}
