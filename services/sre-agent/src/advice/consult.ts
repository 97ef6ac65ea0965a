// Asking a model on an incident's account. Every answer may be missing, late or wrong: what comes back is a value that fits the shape, or words
// that say why there is none.
import type { ModelNote } from "@tocsin/contracts";
import type { Advice, Adviser, JsonSchema } from "@tocsin/llm";
import { AppError, messageOf } from "@tocsin/runtime";
import * as z from "zod";
import { type Facts, factsText } from "./facts.ts";
import type { Prompt } from "./prompts.ts";

/** On whose account it is asked, and as which call: the same id is paid once. */
export interface Account {
  readonly callId: string;
  readonly incidentId?: string;
  readonly tenant: string;
  readonly severity?: "critical" | "warning" | "info";
  /** What it is about: the same again within the cool-down is not asked. */
  readonly subject?: string;
}

export type Consulted<T> =
  | { readonly kind: "answer"; readonly value: T; readonly model: ModelNote; readonly fromRecord: boolean }
  | { readonly kind: "skipped"; readonly text: string; readonly model?: ModelNote };

export interface Consultation<T> {
  readonly prompt: Prompt;
  readonly facts: Facts;
  /** The closed shape of the answer; without one the answer is text. */
  readonly shape?: z.ZodType<T>;
  readonly question?: string;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  readonly onText?: (text: string) => void;
}

const MAX_QUESTION = 500;

/** What the model gets to read: the facts between marks that nothing inside can close. */
const messageText = (facts: Facts, question?: string): string => {
  const asked = question === undefined ? "" : `\n<question>\n${inert(question).slice(0, MAX_QUESTION)}\n</question>`;
  return `<facts>\n${inert(factsText(facts))}\n</facts>${asked}`;
};
const inert = (text: string): string => text.replaceAll("<", "‹").replaceAll(">", "›");

/** Asks, and checks the shape of the answer. Throws only when its own signal aborts. */
export async function consult<T = string>(adviser: Adviser, account: Account, asked: Consultation<T>): Promise<Consulted<T>> {
  const { prompt, facts, shape, question, deadlineMs, signal, onText } = asked;
  let advice: Advice;
  try {
    advice = await adviser.advise(
      {
        prompt: prompt.ref,
        system: prompt.system,
        messages: [{ role: "user", text: messageText(facts, question) }],
        ...(shape === undefined ? {} : { schema: { name: prompt.ref.name.replaceAll("-", "_"), schema: schemaOf(shape) } }),
        maxOutputTokens: prompt.maxOutputTokens,
        deadlineMs,
        temperature: 0,
        ...(signal === undefined ? {} : { signal }),
        ...(onText === undefined ? {} : { onText }),
      },
      account,
    );
  } catch (error) {
    signal?.throwIfAborted();
    // An adviser does not throw; one that does is a model less, not an incident lost.
    return { kind: "skipped", text: `no model: ${AppError.is(error) ? error.code : messageOf(error)}` };
  }
  // What came too late is in the ledger: asked again, it costs nothing.
  signal?.throwIfAborted();
  if (advice.kind === "skipped") return { kind: "skipped", text: advice.text };
  const { reply, costUsd, fromRecord } = advice;
  const model: ModelNote = { provider: reply.provider, model: reply.model, prompt: { ...prompt.ref }, costUsd };
  if (reply.stop === "refusal") return { kind: "skipped", text: "no model: it refused to answer", model };
  if (shape === undefined) return { kind: "answer", value: reply.text as T, model, fromRecord };
  const parsed = shape.safeParse(reply.json);
  if (!parsed.success) return { kind: "skipped", text: "no model: its answer was not in the shape that was asked for", model };
  return { kind: "answer", value: parsed.data, model, fromRecord };
}

const schemas = new WeakMap<z.ZodType, JsonSchema>();
function schemaOf(shape: z.ZodType): JsonSchema {
  const known = schemas.get(shape);
  if (known) return known;
  const { $schema: _, ...schema } = z.toJSONSchema(shape);
  schemas.set(shape, schema);
  return schema;
}
