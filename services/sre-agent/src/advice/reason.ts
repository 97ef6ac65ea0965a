// The order of the reasoning, without a store: what to ask a model, what its word does, which contrast query is asked, what its answer does, and
// what of all that is told. The worker, the replay and the evaluation go through the same.
import type { Diagnosis, ModelNote, Topology } from "@tocsin/contracts";
import type { RankedService } from "@tocsin/diagnosis";
import { suspicionsOf } from "@tocsin/llm";
import type * as z from "zod";
import type { Saying } from "../round.ts";
import { applyAdvice, applyContrast, HypothesisAnswer } from "./apply-advice.ts";
import type { Consulted } from "./consult.ts";
import { askContrast, type ContrastResult, type ContrastSource, type ContrastWindow } from "./contrast.ts";
import { contrastsOf } from "./contrast-queries.ts";
import { type Facts, factsOf } from "./facts.ts";

export interface ReasonInput {
  readonly diagnosis: Diagnosis;
  readonly ranking: readonly RankedService[];
  readonly topology: Topology;
  readonly window: ContrastWindow;
  /** From this confidence on no model is asked. */
  readonly adviseBelow: number;
  readonly mint: (content: string) => string;
  readonly ask: (facts: Facts, shape: z.ZodType<HypothesisAnswer>) => Promise<Consulted<HypothesisAnswer>>;
  readonly source: ContrastSource;
}

/** What a round keeps of it. */
export interface Stored {
  readonly kind: "advised" | "skipped" | "unneeded";
  /** The diagnosis with the advice; absent where nothing came of it. */
  readonly diagnosis?: Diagnosis;
  readonly answer?: HypothesisAnswer;
  readonly contrast?: ContrastResult;
  readonly model?: ModelNote;
}

export interface Reasoned {
  readonly stored: Stored;
  readonly sayings: readonly Saying[];
}

const saying = (kind: string, text: string, rest: Pick<Saying, "evidence" | "model"> = {}): Saying => ({
  phase: "reason",
  kind,
  text,
  ...rest,
});

export async function reason(input: ReasonInput): Promise<Reasoned> {
  const { diagnosis, adviseBelow } = input;
  const top = diagnosis.causes[0];
  if (!top) return { stored: { kind: "unneeded" }, sayings: [saying("unneeded", "No model is asked: there is no candidate to doubt.")] };
  if (diagnosis.verdict === "cause" && top.confidence >= adviseBelow && adviseBelow < 1) {
    const text = `No model is asked: at a confidence of ${Math.round(top.confidence * 100)} % the evidence leaves little to doubt.`;
    return { stored: { kind: "unneeded" }, sayings: [saying("unneeded", text)] };
  }
  const contrasts = contrastsOf(diagnosis, input.ranking, input.topology);
  const facts = factsOf(diagnosis, contrasts);
  const addressed = diagnosis.evidence.filter((each) => suspicionsOf(each.text).length > 0);
  const warnings =
    addressed.length === 0
      ? []
      : [
          saying(
            "addressed",
            `${addressed.length === 1 ? "A piece" : `${addressed.length} pieces`} of evidence ${addressed.length === 1 ? "reads" : "read"} as if meant for a model. It gets only the shape of what others wrote.`,
            { evidence: addressed.map(({ id }) => id) },
          ),
        ];
  const consulted = await input.ask(facts, HypothesisAnswer);
  if (consulted.kind === "skipped") {
    const text = `${consulted.text.charAt(0).toUpperCase()}${consulted.text.slice(1)}.`.replace(/\.\.$/, ".");
    return { stored: { kind: "skipped" }, sayings: [...warnings, saying("skipped", text, { model: consulted.model })] };
  }
  const { value: answer, model } = consulted;
  const advised = applyAdvice(diagnosis, facts, answer);
  const sayings = [
    ...warnings,
    saying(
      "hypothesis",
      advised.reasons.length === 0 ? "A model has looked at it and doubts nothing." : `A model doubts: ${advised.reasons.join("; ")}.`,
      { evidence: advised.evidence, model },
    ),
  ];
  const query = contrasts.find(({ id }) => id === advised.wanted[0]);
  if (!query) {
    sayings.push(saying("contrast-none", "It names no question that could prove the leading candidate wrong."));
    return { stored: { kind: "advised", diagnosis: advised.diagnosis, answer, model }, sayings };
  }
  sayings.push(saying("contrast", `To prove ${top.service} wrong it asks: ${query.text}`, { model }));
  const contrast = await askContrast(query, input.source, input.window, input.mint);
  const tried = applyContrast(advised.diagnosis, contrast);
  sayings.push(saying(contrast.verdict, tried.reason, { evidence: contrast.evidence === undefined ? [] : [contrast.evidence.id] }));
  if (tried.diagnosis.verdict !== diagnosis.verdict) {
    sayings.push(saying("withdrawn", `The cause is withdrawn: ${top.service} is no longer sure enough to act on, so a person gets it.`));
  }
  return { stored: { kind: "advised", diagnosis: tried.diagnosis, answer, contrast, model }, sayings };
}
