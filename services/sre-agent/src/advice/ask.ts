import type { ModelNote } from "@tocsin/contracts";
import type { Adviser } from "@tocsin/llm";
import { checkSentence, type DropReason, type Sentence } from "./check-sentence.ts";
import { type Account, consult } from "./consult.ts";
import type { Facts } from "./facts.ts";
import type { Prompts } from "./prompts.ts";
import { sentenceReader } from "./sentence-reader.ts";

/** What an asker gets, piece by piece. */
export type Answering =
  | { readonly kind: "sentence"; readonly sentence: Sentence }
  /** What was shown is not what the answer came to be (another model took over): begin anew. */
  | { readonly kind: "restart" }
  | { readonly kind: "skipped"; readonly text: string }
  | { readonly kind: "done"; readonly kept: number; readonly dropped: readonly DropReason[]; readonly model?: ModelNote };

export interface Asking {
  readonly adviser: Adviser;
  readonly prompts: Prompts;
  readonly facts: Facts;
  readonly question: string;
  readonly account: Account;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

const MAX_SENTENCES = 8;

/** Answers a question from the facts. Each sentence is checked as it is complete, before it is given. */
export async function answer(asking: Asking, give: (piece: Answering) => void): Promise<void> {
  const { facts } = asking;
  let kept: string[] = [];
  let dropped: DropReason[] = [];
  const reader = () =>
    sentenceReader((claim) => {
      const checked = checkSentence(claim, facts);
      if (checked.kind === "dropped") dropped.push(checked.why);
      else if (kept.length < MAX_SENTENCES && !kept.includes(checked.sentence.text)) {
        kept.push(checked.sentence.text);
        give({ kind: "sentence", sentence: checked.sentence });
      }
    });
  let streamed = "";
  let reading = reader();
  const consulted = await consult(asking.adviser, asking.account, {
    prompt: asking.prompts.ask,
    facts,
    question: asking.question,
    deadlineMs: asking.deadlineMs,
    ...(asking.signal === undefined ? {} : { signal: asking.signal }),
    onText: (text) => {
      streamed += text;
      reading.push(text);
    },
  });
  if (consulted.kind === "skipped") {
    if (kept.length > 0) give({ kind: "restart" });
    give({ kind: "skipped", text: consulted.text });
    return;
  }
  if (streamed === consulted.value) reading.end();
  else {
    // A call known from its record streams nothing; a fallback that took over in mid-stream has another text.
    if (kept.length > 0) give({ kind: "restart" });
    kept = [];
    dropped = [];
    reading = reader();
    reading.push(consulted.value);
    reading.end();
  }
  give({ kind: "done", kept: kept.length, dropped, model: consulted.model });
}
