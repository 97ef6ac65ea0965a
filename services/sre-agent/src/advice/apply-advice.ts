// What a model's word can do to a diagnosis. It may doubt a candidate, and it may order those that are about equal. It cannot name a cause that
// is not among the candidates, make anything surer, take an answer away by its word alone, or put another candidate first where there is one:
// only what our own code found to contradict the leading candidate (contrast.ts) can turn a cause into "inconclusive".
import type { Cause, Diagnosis, Evidence } from "@tocsin/contracts";
import * as z from "zod";
import type { ContrastResult } from "./contrast.ts";
import type { Facts } from "./facts.ts";

const ShortId = z.string().max(8);
const BECAUSE = ["contradicted", "explained-by-another", "weak", "too-late"] as const;

/** The closed shape of a hypothesis. Ids that are not ours are ignored, so the shape is all that has to hold. */
export const HypothesisAnswer = z.object({
  doubts: z.array(z.object({ candidate: ShortId, because: z.enum(BECAUSE), evidence: z.array(ShortId).max(8) })).max(5),
  order: z.array(ShortId).max(5),
  contrast: z.array(ShortId).max(3),
});
export type HypothesisAnswer = z.output<typeof HypothesisAnswer>;

/** The most that a model's words take from a confidence. */
export const WORD_MARGIN = 0.1;
const DOUBT = 0.05;
/** Two candidates whose scores are at least this near may change places, below the first. */
export const ORDER_MARGIN = 0.985;
/** What a contradiction that we found leaves of a confidence. */
const CONTRADICTED = 0.7;
/** As in the diagnosis: below it a cause is not acted on. */
const LEAST_CONFIDENCE = 0.45;

export interface Advised {
  readonly diagnosis: Diagnosis;
  /** What was done with the answer, and what of it was not heeded, in words. */
  readonly reasons: readonly string[];
  /** Evidence that the reasons rest on, by its id in the store. */
  readonly evidence: readonly string[];
  /** Ids of the contrast queries that it wants, of those that exist. */
  readonly wanted: readonly string[];
}

const WORDS: Readonly<Record<(typeof BECAUSE)[number], string>> = {
  contradicted: "other evidence speaks against it",
  "explained-by-another": "another candidate explains it",
  weak: "its evidence is weak",
  "too-late": "it began too late",
};

/** Pure: the diagnosis with the answer taken into account, inside the bounds above, whatever the answer is. */
export function applyAdvice(diagnosis: Diagnosis, facts: Facts, answer: HypothesisAnswer): Advised {
  const reasons: string[] = [];
  const rested: string[] = [];
  const lowered = new Map<Cause, number>();
  let ignored = 0;
  for (const doubt of answer.doubts) {
    const index = facts.candidates.findIndex(({ id }) => id === doubt.candidate);
    const cause = diagnosis.causes[index];
    const cited = facts.facts.filter(({ id }) => doubt.evidence.includes(id));
    if (!cause || cited.length === 0) {
      ignored++;
      continue;
    }
    const before = lowered.get(cause) ?? cause.confidence;
    const isAnswer = diagnosis.verdict === "cause" && index === 0;
    const floor = Math.max(0, cause.confidence - WORD_MARGIN, isAnswer ? Math.min(LEAST_CONFIDENCE, cause.confidence) : 0);
    const after = Math.max(floor, rounded(before - DOUBT));
    if (after >= before) continue;
    lowered.set(cause, after);
    rested.push(...cited.map(({ evidenceId }) => evidenceId));
    reasons.push(`${cause.service}: ${WORDS[doubt.because]}; its confidence falls from ${percent(before)} to ${percent(after)}`);
  }
  const causes = diagnosis.causes.map((cause) => ({ ...cause, confidence: lowered.get(cause) ?? cause.confidence }));
  const ordered = reorder(causes, facts, answer.order, diagnosis.verdict === "cause" ? 1 : 0);
  const moved = ordered.filter((cause, place) => cause !== causes[place]);
  if (moved.length > 0) reasons.push(`${moved.map(({ service }) => service).join(" and ")} are about equal and change places`);
  if (ignored > 0) reasons.push(`${ignored} of its doubts named no candidate or no evidence and were not heeded`);
  const wanted = [...new Set(answer.contrast)].filter((id) => facts.contrasts.some((query) => query.id === id));
  return { diagnosis: { ...diagnosis, causes: [...ordered] }, reasons, evidence: [...new Set(rested)], wanted };
}

/** Neighbours change places where the order asks for it and their scores are about equal; each moves by one place at most. */
function reorder(causes: readonly Cause[], facts: Facts, order: readonly string[], fixed: number): readonly Cause[] {
  const wish = (place: number) => order.indexOf(facts.candidates[place]?.id ?? "");
  const result = [...causes];
  for (let place = fixed; place + 1 < result.length; place++) {
    const [first, second] = [causes[place], causes[place + 1]];
    const [a, b] = [wish(place), wish(place + 1)];
    if (!first || !second || a < 0 || b < 0 || b > a) continue;
    if (!(first.score > 0) || second.score / first.score < ORDER_MARGIN) continue;
    result[place] = second;
    result[place + 1] = first;
    place++;
  }
  return result;
}

/** Pure: what the answer to a contrast query does: a contradiction makes the leading candidate less sure, everything else changes nothing. */
export function applyContrast(diagnosis: Diagnosis, result: ContrastResult): { readonly diagnosis: Diagnosis; readonly reason: string } {
  const evidence: readonly Evidence[] = result.evidence === undefined ? [] : [result.evidence];
  const known = { ...diagnosis, evidence: [...diagnosis.evidence.filter(({ id }) => id !== result.evidence?.id), ...evidence] };
  const [top, ...others] = diagnosis.causes;
  if (result.verdict !== "contradicted" || !top) return { diagnosis: known, reason: result.text };
  const confidence = rounded(top.confidence * CONTRADICTED);
  const isLost = diagnosis.verdict === "cause" && confidence < LEAST_CONFIDENCE;
  const why = `${top.service} looked like the cause, but: ${result.text}`;
  return {
    diagnosis: {
      ...known,
      causes: [{ ...top, confidence }, ...others],
      ...(isLost ? { verdict: "inconclusive" as const, unsettled: why } : {}),
    },
    reason: `${result.text} The confidence in ${top.service} falls from ${percent(top.confidence)} to ${percent(confidence)}${isLost ? ", which is too little to act on" : ""}.`,
  };
}

const rounded = (value: number): number => Math.floor(value * 1_000 + 1e-6) / 1_000;
const percent = (value: number): string => `${Math.round(value * 100)} %`;
