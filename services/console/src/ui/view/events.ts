// Terms. An *event* is one item of the live stream; its id is its place in the log. A *chapter* is a stretch of events of one phase.
import type { StreamEventName, StreamMessage } from "@tocsin/contracts";

export interface LiveEvent extends StreamMessage {
  readonly event: StreamEventName;
}

/** Both lists in order of id, each id once. The first list is in order already; what comes is nearly always newer. */
export function mergeEvents(known: readonly LiveEvent[], incoming: readonly LiveEvent[]): readonly LiveEvent[] {
  const newest = Number(known.at(-1)?.id ?? 0);
  const isAppend = incoming.every((item, n) => Number(item.id) > (n === 0 ? newest : Number(incoming[n - 1]?.id)));
  if (isAppend) return incoming.length === 0 ? known : [...known, ...incoming];
  const byId = new Map(known.map((item) => [item.id, item]));
  for (const item of incoming) byId.set(item.id, item);
  if (byId.size === known.length) return known;
  return [...byId.values()].sort((a, b) => Number(a.id) - Number(b.id));
}

export interface Chapter {
  readonly key: string;
  readonly phase: string;
  readonly events: readonly LiveEvent[];
}

const PHASE_OF_ACTION = "act";

/** The reasoning as chapters: a new one begins where the phase changes. Facts of the incident stay in the chapter they fall into. */
export function chaptersOf(events: readonly LiveEvent[]): readonly Chapter[] {
  const chapters: { key: string; phase: string; events: LiveEvent[] }[] = [];
  for (const item of events) {
    const current = chapters.at(-1);
    const phase = item.phase ?? (item.event === "action" ? PHASE_OF_ACTION : (current?.phase ?? "alert"));
    if (current === undefined || current.phase !== phase) chapters.push({ key: item.id, phase, events: [item] });
    else current.events.push(item);
  }
  return chapters;
}

export const PHASE_NAMES: Readonly<Record<string, string>> = {
  alert: "Alerted",
  gather: "Gathered signals",
  diagnose: "Diagnosed",
  recall: "Remembered",
  reason: "Reasoned",
  plan: "Planned",
  act: "Acted",
  verify: "Verified",
  narrate: "Wrote it down",
  close: "Closed",
};
