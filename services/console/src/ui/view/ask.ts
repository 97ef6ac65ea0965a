// Terms. An *answer* comes in pieces, as server-sent events: a sentence with its evidence, a reason why there is none, the end.
import type { ModelNote } from "@tocsin/contracts";

interface Sentence {
  readonly text: string;
  readonly evidence: readonly string[];
}

/** What has come of an answer so far. */
export interface AnswerSoFar {
  readonly question: string;
  readonly sentences: readonly Sentence[];
  readonly state: "asking" | "done" | "skipped" | "failed";
  /** Why there is no answer. */
  readonly text?: string;
  readonly dropped?: number;
  readonly model?: ModelNote;
}

export interface StreamPiece {
  readonly event: string;
  readonly data: unknown;
}

/** Splits what has arrived into whole events and the rest that still grows. */
export function takeEvents(buffer: string): { readonly pieces: readonly StreamPiece[]; readonly rest: string } {
  const blocks = buffer.split("\n\n");
  const rest = blocks.pop() ?? "";
  const pieces = blocks.flatMap((block) => {
    const lines = block.split("\n");
    const event = lines.find((line) => line.startsWith("event: "))?.slice(7);
    const data = lines.find((line) => line.startsWith("data: "))?.slice(6);
    return event === undefined || data === undefined ? [] : [{ event, data: JSON.parse(data) as unknown }];
  });
  return { pieces, rest };
}

/** The answer with one more piece of it. */
export function withPiece(answer: AnswerSoFar, { event, data }: StreamPiece): AnswerSoFar {
  switch (event) {
    case "sentence":
      return { ...answer, sentences: [...answer.sentences, data as Sentence] };
    case "restart":
      return { ...answer, sentences: [] };
    case "skipped":
      return { ...answer, state: "skipped", text: (data as { text: string }).text };
    case "done": {
      const { dropped, model } = data as { dropped: number; model?: ModelNote };
      return { ...answer, state: "done", dropped, ...(model === undefined ? {} : { model }) };
    }
    default:
      return answer;
  }
}
