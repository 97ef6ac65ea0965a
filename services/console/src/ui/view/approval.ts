export interface EffectParts {
  readonly title: string;
  /** What would be done, in its order. */
  readonly steps: readonly string[];
  /** What the dry run found: how the targets and the checks stood when it was asked. */
  readonly standing: readonly string[];
}

/** The effect of an approval in its parts: a title, numbered steps, and after a line `Now:` the dry run. Nothing of it is left out. */
export function effectParts(effect: string): EffectParts {
  const [title = "", ...lines] = effect.split("\n");
  const now = lines.indexOf("Now:");
  const steps = now < 0 ? lines : lines.slice(0, now);
  return { title, steps: steps.map((step) => step.replace(/^\d+\.\s*/, "")), standing: now < 0 ? [] : lines.slice(now + 1) };
}
