export interface LintProblem {
  readonly file: string;
  readonly line: number;
  readonly reason: string;
  readonly level: string;
}

/** The lint's findings among what the API lists. */
export const problemsOf = (list: readonly unknown[]): readonly LintProblem[] =>
  list.filter((each): each is LintProblem => typeof each === "object" && each !== null && "reason" in each);

/** A runbook's text without its front matter, which the page shows in its own way. */
export const proseOf = (text: string): string => text.replace(/^---\r?\n[\s\S]*?\r?\n---\r?\n/, "");
