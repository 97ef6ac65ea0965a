import type { Diagnosis, Narration } from "@tocsin/contracts";
import type { Replayed } from "./replay-round.ts";

/** What the store has of a round. */
export interface AsItWas {
  readonly diagnosis: Diagnosis | undefined;
  readonly narration: Narration | undefined;
}

/** One line of the comparison: what it was, and what it is with the other model. */
export interface Difference {
  readonly what: string;
  readonly was: string;
  readonly is: string;
}

const causeText = (diagnosis: Diagnosis | undefined, place: number): string => {
  const cause = diagnosis?.causes[place];
  return cause ? `${cause.service} (${cause.kind}) ${Math.round(cause.confidence * 100)} %` : "—";
};

const MAX_CAUSES = 5;

/** Pure: the round as it was beside the round as it is, equal lines too: what did not change is an answer. */
export function differences(
  was: AsItWas,
  { with: now, narration, silence }: Pick<Replayed, "with" | "narration" | "silence">,
): readonly Difference[] {
  const causes = Math.min(MAX_CAUSES, Math.max(was.diagnosis?.causes.length ?? 0, now.causes.length));
  return [
    { what: "verdict", was: was.diagnosis?.verdict ?? "—", is: now.verdict },
    ...Array.from({ length: causes }, (_, place) => ({
      what: `cause ${place + 1}`,
      was: causeText(was.diagnosis, place),
      is: causeText(now, place),
    })),
    { what: "in short", was: was.narration?.short ?? "—", is: narration?.short ?? `— (${silence ?? "nothing"})` },
    {
      what: "in words",
      was: was.narration?.sentences.map(({ text }) => text).join(" ") ?? "—",
      is: narration?.sentences.map(({ text }) => text).join(" ") ?? "—",
    },
  ];
}

/** Pure: the lines as people read them: `=` where nothing changed, `-` and `+` where something did. */
export const differenceText = (lines: readonly Difference[]): string =>
  lines.map(({ what, was, is }) => (was === is ? `= ${what}: ${is}` : `- ${what}: ${was}\n+ ${what}: ${is}`)).join("\n");
