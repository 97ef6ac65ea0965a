// Terms. An incident's *marks* are its structured features in words (`alert:HighErrors`, `service:payments`); its *embedding* is those marks
// and the words of its texts, hashed into a fixed number of dimensions and scaled to length 1, so that the product of two embeddings says how
// alike two incidents are. No model, no dictionary, no download: the same incident has the same embedding in every process and for ever.
import type { Cause, Evidence, Member } from "@tocsin/contracts";
import { maskLine } from "./templates.ts";

/** What an incident is remembered by. */
export interface IncidentTrace {
  readonly embedding: readonly number[];
  readonly marks: readonly string[];
}

/** What is known of an incident when it is embedded; evidence and cause are absent until it has been looked into. */
export interface TraceableIncident {
  readonly members: readonly Pick<Member, "name" | "service" | "annotations">[];
  readonly evidence: readonly Pick<Evidence, "kind" | "service" | "text">[];
  readonly cause?: Pick<Cause, "service" | "kind"> | undefined;
}

/** What a mark of each kind counts beside a word of text. */
const WEIGHT = { alert: 3, on: 2, service: 1.5, kind: 1.5, cause: 3, sign: 1 } as const;
/** Words repeat and say little each: together they count about as much as an alert's name. */
const WORDS_WEIGHT = 2.5;
const MAX_WORDS = 400;
/** Words that stand in every incident. */
const COMMON = new Set(
  "a an and are as at be before by calls does fires for from has in is it its more not of on or rose since started than that the there they this to was which with".split(
    " ",
  ),
);

/**
 * Pure: the embedding of an incident.
 *
 * @returns undefined when nothing is known of it, not even an alert's name
 */
export function traceOf(incident: TraceableIncident, dimensions: number): IncidentTrace | undefined {
  const weights = new Map<string, number>();
  const put = (mark: string, weight: number) => weights.set(mark, Math.max(weights.get(mark) ?? 0, weight));
  for (const { name, service } of incident.members) {
    put(`alert:${name}`, WEIGHT.alert);
    if (service === undefined) continue;
    put(`service:${service}`, WEIGHT.service);
    put(`on:${name}:${service}`, WEIGHT.on);
  }
  for (const { kind, service } of incident.evidence)
    if (service !== undefined && kind !== "alert" && kind !== "topology") put(`sign:${kind}:${service}`, WEIGHT.sign);
  if (incident.cause) {
    put(`kind:${incident.cause.kind}`, WEIGHT.kind);
    put(`cause:${incident.cause.service}:${incident.cause.kind}`, WEIGHT.cause);
  }
  const marks = [...weights.keys()].sort();
  const words = wordsOf(incident);
  const most = Math.sqrt(words.size);
  for (const word of words) weights.set(`word:${word}`, WORDS_WEIGHT / most);
  if (weights.size === 0) return undefined;

  const embedding = new Array<number>(dimensions).fill(0);
  for (const [feature, weight] of weights) {
    // The sign makes two features that meet in one dimension cancel as often as they add up.
    const hash = hashOf(feature);
    const place = hash % dimensions;
    embedding[place] = (embedding[place] as number) + (hash & 0x40000000 ? weight : -weight);
  }
  const length = Math.sqrt(embedding.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? undefined : { embedding: embedding.map((value) => Math.round((value / length) * 1e6) / 1e6), marks };
}

/** The words of alerts and evidence, with what varies masked, each once. */
function wordsOf({ members, evidence }: TraceableIncident): Set<string> {
  const words = new Set<string>();
  const texts = [
    ...members.flatMap(({ name, annotations }) => [name.replace(/([a-z])([A-Z])/g, "$1 $2"), annotations["summary"] ?? ""]),
    ...evidence.map(({ text }) => text),
  ];
  for (const text of texts) {
    for (const word of maskLine(text)
      .toLowerCase()
      .split(/[^\p{L}_-]+/u)) {
      if (words.size >= MAX_WORDS) return words;
      if (word.length > 2 && word.length <= 40 && !COMMON.has(word) && !MASKS.has(word)) words.add(word);
    }
  }
  return words;
}
const MASKS = new Set(["num", "uuid", "hex"]);

/** FNV-1a with a final mix, unsigned. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return hash >>> 0;
}
