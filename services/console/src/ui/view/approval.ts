import type { PolicyVerdict } from "@tocsin/contracts";
import { verdictOf } from "./dry-run.ts";

interface StepParts {
  readonly deed: string;
  readonly notes: readonly string[];
}
export interface EffectParts {
  readonly title: string;
  /** What would be done, in its order: the deed, then what is said of it (undo, precondition, verification). */
  readonly steps: readonly StepParts[];
  /** What the dry run found: how the targets and the checks stood when it was asked. */
  readonly standing: readonly string[];
  /** Every rule of the policy with its verdict. */
  readonly policy: readonly PolicyVerdict[];
}

/** The effect of an approval in its parts: a title, numbered steps, after a line `Now:` the dry run, after `Policy:` the rules. Nothing of it is left out. */
export function effectParts(effect: string): EffectParts {
  const [title = "", ...lines] = effect.split("\n");
  const at = (heading: string, from = 0) => (lines.indexOf(heading, from) < 0 ? lines.length : lines.indexOf(heading, from));
  const now = at("Now:");
  const policy = at("Policy:", now < lines.length ? now : 0);
  const steps = lines.slice(0, Math.min(now, policy));
  return {
    title,
    steps: steps.map((step) => stepParts(step.replace(/^\d+\.\s*/, ""))),
    standing: lines.slice(now + 1, policy),
    policy: lines.slice(policy + 1).reduce<readonly PolicyVerdict[]>(withLine, []),
  };
}

/** What the effect says of a step after its deed, as `effectOf` of the runbooks puts it. A deed's own text may have semicolons. */
const NOTE = /; (?=(?:undo|nothing to undo|made up for, not undone, by): |cannot be undone(?:;|$)|only if |good when )/;

function stepParts(step: string): StepParts {
  const [deed = "", ...notes] = step.split(NOTE);
  return { deed, notes };
}

/** A reason that a person wrote may have several lines: what is no rule goes on with the one before. */
function withLine(before: readonly PolicyVerdict[], line: string): readonly PolicyVerdict[] {
  const verdict = verdictOf(line);
  if (verdict !== undefined) return [...before, verdict];
  const last = before.at(-1);
  return last === undefined ? before : [...before.slice(0, -1), { ...last, text: `${last.text}\n${line}` }];
}
