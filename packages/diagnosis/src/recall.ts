// What earlier incidents suggest. A recalled cause is a hypothesis: it is told beside the diagnosis and changes neither ranking nor confidence.
import type { Cause } from "@tocsin/contracts";
import { listed } from "./figures.ts";

/** An earlier incident that is like the one at hand. */
export interface PastIncident {
  readonly id: string;
  readonly title: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly state: string;
  /** 0 to 1. */
  readonly similarity: number;
  readonly marks: readonly string[];
  readonly cause?: Pick<Cause, "service" | "kind">;
  readonly runs: readonly { readonly runbook: string; readonly title: string; readonly state: string }[];
  /** What a person said of its cause. */
  readonly wasRight?: boolean;
}

/** How often a runbook was run in such incidents, and how often it ended them. */
export interface PastFix {
  readonly runbook: string;
  readonly title: string;
  readonly tried: number;
  readonly helped: number;
}

export interface Recall {
  /** The most alike first. */
  readonly alike: readonly {
    readonly id: string;
    readonly title: string;
    readonly similarity: number;
    readonly reasons: readonly string[];
  }[];
  /** The cause that most of them had: something to check, no evidence. */
  readonly hypothesis?: { readonly service: string; readonly kind: Cause["kind"]; readonly times: number; readonly of: number };
  /** What helped most often first. */
  readonly fixes: readonly PastFix[];
  /** In words; one sentence each. */
  readonly text: readonly string[];
}

/** From this likeness on two incidents are worth naming together: above what two of unlike alerts on one service reach. */
export const LEAST_SIMILARITY = 0.55;

/** Pure: why a past incident is like this one, from the marks that both have, the telling ones first. */
export function likenessReasons(marks: readonly string[], past: readonly string[]): string[] {
  const own = new Set(marks);
  const shared = past.filter((mark) => own.has(mark));
  const after = (prefix: string) => shared.filter((mark) => mark.startsWith(prefix)).map((mark) => mark.slice(prefix.length));
  const reasons: string[] = [];
  const causes = after("cause:");
  const kinds = after("kind:");
  const alerts = after("alert:");
  const services = after("service:");
  if (causes.length > 0) reasons.push("the same cause in the same service");
  else if (kinds.length > 0) reasons.push("the same kind of cause");
  if (alerts.length > 0) reasons.push(`the same ${alerts.length === 1 ? "alert" : "alerts"} ${listed(alerts.slice(0, 3))}`);
  if (services.length > 0) reasons.push(`alerts on ${listed(services.slice(0, 3))}`);
  return reasons.length > 0 ? reasons : ["it reads alike"];
}

/** What ended an incident counts as help; a run that was followed by a person's work does not. */
const ENDED = new Set(["resolved", "closed"]);
/** Runs that did something. */
const ACTED = new Set(["succeeded", "failed", "unknown"]);

/** Pure: what past incidents suggest, in numbers and in words. */
export function recallOf(marks: readonly string[], past: readonly PastIncident[]): Recall {
  const fixes = new Map<string, { title: string; tried: number; helped: number }>();
  const causes = new Map<string, { service: string; kind: Cause["kind"]; times: number }>();
  let judged = 0;
  for (const { cause, runs, state, wasRight } of past) {
    for (const run of runs) {
      if (!ACTED.has(run.state)) continue;
      const fix = fixes.get(run.runbook) ?? { title: run.title, tried: 0, helped: 0 };
      fixes.set(run.runbook, fix);
      fix.tried++;
      if (run.state === "succeeded" && ENDED.has(state)) fix.helped++;
    }
    // A cause that a person called wrong is nothing to suggest again.
    if (!cause || wasRight === false) continue;
    judged++;
    const key = `${cause.service}\u0000${cause.kind}`;
    const known = causes.get(key) ?? { service: cause.service, kind: cause.kind, times: 0 };
    causes.set(key, known);
    known.times++;
  }
  const [most] = [...causes.values()].sort((a, b) => b.times - a.times || (a.service < b.service ? -1 : 1));
  const ranked = [...fixes]
    .map(([runbook, fix]): PastFix => ({ runbook, ...fix }))
    .sort((a, b) => b.helped - a.helped || a.tried - b.tried || (a.runbook < b.runbook ? -1 : 1));
  const hypothesis = most && most.times * 2 > judged ? { ...most, of: past.length } : undefined;
  return {
    alike: past.map(({ id, title, similarity, marks: theirs }) => ({
      id,
      title,
      similarity: Math.round(similarity * 1_000) / 1_000,
      reasons: likenessReasons(marks, theirs),
    })),
    ...(hypothesis === undefined ? {} : { hypothesis }),
    fixes: ranked,
    text: wordsOf(past, hypothesis, ranked),
  };
}

function wordsOf(past: readonly PastIncident[], hypothesis: Recall["hypothesis"], fixes: readonly PastFix[]): string[] {
  const [latest] = past.toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  if (!latest) return ["Nothing like it is remembered."];
  const count = past.length === 1 ? "One earlier incident is" : `${past.length} earlier incidents are`;
  const text = [`${count} like it, the last of them ${latest.id} of ${latest.startedAt.slice(0, 16).replace("T", " ")}.`];
  if (hypothesis)
    text.push(
      `In ${hypothesis.times} of ${hypothesis.of} the cause was ${hypothesis.service} (${hypothesis.kind}): something to check, no evidence for today.`,
    );
  const [best] = fixes;
  if (best && best.helped > 0)
    text.push(`What ended it: ${best.runbook}, in ${best.helped} of ${best.tried} ${best.tried === 1 ? "try" : "tries"}.`);
  for (const fix of fixes.slice(0, 3))
    if (fix.helped === 0) text.push(`${fix.runbook} was run ${fix.tried === 1 ? "once" : `${fix.tried} times`} and did not end it.`);
  if (fixes.length === 0) text.push("No runbook ended any of them.");
  return text;
}
