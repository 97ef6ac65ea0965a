import type { ModelNote, Narration } from "@tocsin/contracts";
import * as z from "zod";
import { type Claim, checkSentence, type DropReason, type Sentence } from "./check-sentence.ts";
import type { Facts } from "./facts.ts";

const Words = z.object({ text: z.string().max(1_000), evidence: z.array(z.string().max(8)).max(12) });
/** The closed shape of a narration. */
export const NarrationAnswer = z.object({ short: Words, sentences: z.array(Words).max(8) });
export type NarrationAnswer = z.output<typeof NarrationAnswer>;

const MAX_SHORT = 280;
const MAX_SENTENCES = 6;

export interface Told {
  /** Undefined when nothing stood the check: the text from templates is all there is. */
  readonly narration: Narration | undefined;
  readonly dropped: readonly DropReason[];
}

/** Pure: what of the answer may be shown. The short form falls back to the first sentence. */
export function narrationOf(answer: NarrationAnswer, facts: Facts, model: ModelNote, at: string): Told {
  const dropped: DropReason[] = [];
  const kept = (claim: Claim): Sentence[] => {
    const checked = checkSentence(claim, facts);
    if (checked.kind === "kept") return [checked.sentence];
    dropped.push(checked.why);
    return [];
  };
  const sentences = answer.sentences.flatMap(kept).slice(0, MAX_SENTENCES);
  const short = kept(answer.short).find(({ text }) => text.length <= MAX_SHORT) ?? sentences[0];
  if (!short) return { narration: undefined, dropped };
  return { narration: { short: short.text, sentences: sentences.length > 0 ? sentences : [short], model, at }, dropped };
}

const HEADING = "## In other words";

/** Pure: the narration as a section at the end of the analysis. Its text was checked to be plain. */
export function narrationSection({ sentences, model }: Narration): string {
  const by = `${model.provider} ${model.model}`.replace(/[^A-Za-z0-9 ._:/-]/g, "");
  const origin = `Written by a language model (${by}, prompt ${model.prompt.name} version ${model.prompt.version}); each sentence was checked against the evidence it names. What counts stands above.`;
  return `\n${HEADING}\n\n${sentences.map(({ text }) => text.replace(/([_*~])/g, "\\$1")).join(" ")}\n\n${origin}\n`;
}
