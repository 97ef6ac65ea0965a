// Terms. A *template* is an annotation text with everything that varies masked, so that the same message about two pods is the
// same. The *bearing* of an alert says how a fault shows in it: `intrinsic` (the fault itself: memory, crash, disk), `surface`
// (what callers feel: errors, latency) or `starved` (work no longer arrives, because something before it is broken).

import { squeeze } from "./workload.ts";

export type Bearing = "intrinsic" | "surface" | "starved";

const STARVED =
  /\bno (requests?|traffic|database operations?|operations|messages?|data)\b|\b(requests?|traffic) (absent|drop|stopped|missing|low)\b/;
const SURFACE = /\b(error|errors|latency|slow|5xx|4xx|availability|slo|burn|timeouts?|duration|success|apdex|failures?)\b/;
const INTRINSIC =
  /\b(memory|mem|oom|cpu|disk|filesystem|fs|inode|crash|crashing|looping|restart|restarts|restarting|not ready|ready|waiting|image|failed|down|unavailable|unreachable|leak|evicted|throttl\w*|saturat\w*|pool|hang|hanging|stuck|deadlock|replicas|mismatch|config|certificate|cert|quota|pressure|network|event loop|garbage|gc|corrupt|connection|closure|spend|pending|unschedulable|scheduling)\b/;

/** Words of rule names that say how much, not what. */
const DEGREE = new Set(["high", "low", "too", "many", "is", "the", "rate", "above", "below", "kube", "node"]);

/** What a rule's name speaks of, in words: `HighKafkaConsumerLag` of kafka, consumer, lag. */
const topicsOf = (rule: string): ReadonlySet<string> =>
  new Set(
    wordsOf(rule)
      .split(" ")
      .filter((word) => word.length > 1 && !DEGREE.has(word)),
  );

/** How much two rules speak of the same, 0 to 1. */
export function similarity(a: string, b: string): number {
  const [of, other] = [topicsOf(a), topicsOf(b)];
  let shared = 0;
  for (const word of of) if (other.has(word)) shared++;
  const all = of.size + other.size - shared;
  return all === 0 ? 0 : shared / all;
}

const wordsOf = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/[-_.]/g, " ")
    .toLowerCase();

const bearings = new Map<string, Bearing>();

/** How a fault shows in alerts of this rule, from the words of its name. Unknown words count as `surface`: they decide nothing. */
export function bearingOf(rule: string): Bearing {
  const known = bearings.get(rule);
  if (known) return known;
  const words = wordsOf(rule);
  const bearing = STARVED.test(words) ? "starved" : SURFACE.test(words) ? "surface" : INTRINSIC.test(words) ? "intrinsic" : "surface";
  // Rule names are few; names made up by an attacker must not fill the memory.
  if (bearings.size < 10_000) bearings.set(rule, bearing);
  return bearing;
}

const textOf = (annotations: Readonly<Record<string, string>>): string =>
  annotations["description"] ?? annotations["summary"] ?? annotations["message"] ?? "";

/**
 * The annotation text with label values, numbers, ids, addresses and quoted text masked.
 *
 * @returns empty when there is no text
 */
export function templateOf(annotations: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): string {
  let text = textOf(annotations).slice(0, 500);
  if (text === "") return "";
  for (const name in labels) {
    const value = labels[name] as string;
    if (name !== "alertname" && value.length >= 3 && text.includes(value)) text = text.replaceAll(value, "<label>");
  }
  return text
    .replace(/"[^"]*"|'[^']*'/g, "<text>")
    .replace(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b[0-9a-f]{8,}\b/gi, "<id>")
    .replace(/\d+(?:\.\d+)*%?/g, "<n>")
    .replace(/\s+/g, " ")
    .trim();
}

/** Words that stand in every alert text and in service names by chance. */
const COMMON = new Set(
  "the and for with from into when due that this not are has have above below over under service services pod pods namespace threshold error errors rate request requests latency high low for".split(
    " ",
  ),
);

/** Names that an alert's text may mean a service by: its words, and two or three neighbours joined, squeezed as workload bases are. */
export function mentionsIn(annotations: Readonly<Record<string, string>>): ReadonlySet<string> {
  const words = textOf(annotations)
    .slice(0, 300)
    .toLowerCase()
    .split(/[^a-z0-9-]+/)
    .filter(Boolean)
    .slice(0, 40);
  const found = new Set<string>();
  for (let i = 0; i < words.length; i++) {
    let joined = "";
    for (let n = 0; n < 3 && i + n < words.length; n++) {
      joined = squeeze(joined === "" ? (words[i + n] as string) : `${joined}-${words[i + n]}`);
      if (joined.length >= 2 && !(n === 0 && COMMON.has(joined))) found.add(joined);
    }
  }
  return found;
}
