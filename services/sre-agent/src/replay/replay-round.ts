// A kept round gone through again with another model: the same facts, the same checks, the same bounds. Nothing outside is asked but the model,
// and nothing is written: a contrast query is answered from what the round has kept.
import type { Diagnosis, Narration } from "@tocsin/contracts";
import { diagnose } from "@tocsin/diagnosis";
import type { Adviser } from "@tocsin/llm";
import { isoTime } from "@tocsin/runtime";
import type { DropReason } from "../advice/check-sentence.ts";
import { type Account, type Consulted, consult } from "../advice/consult.ts";
import { keptContrasts } from "../advice/contrast-sources.ts";
import { factsOf } from "../advice/facts.ts";
import { NarrationAnswer, narrationOf } from "../advice/narration.ts";
import type { Prompts } from "../advice/prompts.ts";
import { type Reasoned, reason } from "../advice/reason.ts";
import { diagnosisInputOf, type Gathered } from "../gathering.ts";

export interface ReplayInput {
  readonly gathered: Gathered;
  readonly mint: (content: string) => string;
  readonly adviser: Adviser;
  readonly prompts: Prompts;
  readonly account: Account;
  readonly adviseBelow: number;
  readonly deadlineMs: number;
  readonly standing?: readonly string[];
}

export interface Replayed {
  /** As our own code makes it from what was gathered. */
  readonly without: Diagnosis;
  readonly with: Diagnosis;
  readonly reasoned: Reasoned;
  readonly narration: Narration | undefined;
  readonly dropped: readonly DropReason[];
  /** Why there is no narration. */
  readonly silence: string | undefined;
  readonly calls: number;
  readonly costUsd: number;
}

export async function replayRound(input: ReplayInput): Promise<Replayed> {
  const { gathered, adviser, prompts, account, deadlineMs, mint } = input;
  const { diagnosis, details } = diagnose(diagnosisInputOf(gathered, mint));
  let calls = 0;
  let costUsd = 0;
  const counted = <T>(consulted: Consulted<T>): Consulted<T> => {
    if (consulted.kind === "answer") {
      calls++;
      costUsd += consulted.model.costUsd ?? 0;
    }
    return consulted;
  };
  const reasoned = await reason({
    diagnosis,
    ranking: details.ranking,
    topology: gathered.topology,
    window: gathered.window,
    adviseBelow: input.adviseBelow,
    mint,
    ask: async (facts, shape) =>
      counted(
        await consult(
          adviser,
          { ...account, callId: `${account.callId}:hypothesis` },
          { prompt: prompts.hypothesis, facts, shape, deadlineMs },
        ),
      ),
    source: keptContrasts(gathered),
  });
  const advised = reasoned.stored.diagnosis ?? diagnosis;
  if (advised.evidence.length === 0)
    return {
      without: diagnosis,
      with: advised,
      reasoned,
      narration: undefined,
      dropped: [],
      silence: "there is no evidence",
      calls,
      costUsd,
    };
  const facts = factsOf(advised, [], input.standing ?? []);
  const told = counted(
    await consult(
      adviser,
      { ...account, callId: `${account.callId}:narrate` },
      { prompt: prompts.narrate, facts, shape: NarrationAnswer, deadlineMs },
    ),
  );
  if (told.kind === "skipped")
    return { without: diagnosis, with: advised, reasoned, narration: undefined, dropped: [], silence: told.text, calls, costUsd };
  const { narration, dropped } = narrationOf(told.value, facts, told.model, isoTime(gathered.now * 1_000));
  const silence = narration ? undefined : "nothing that it wrote stood the check";
  return { without: diagnosis, with: advised, reasoned, narration, dropped, silence, calls, costUsd };
}
