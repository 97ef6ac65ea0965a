export interface LintProblem {
  readonly file: string;
  readonly line: number;
  readonly reason: string;
  readonly level: string;
}

/** The lint's findings among what the API lists. */
export const problemsOf = (list: readonly unknown[]): readonly LintProblem[] =>
  list.filter((each): each is LintProblem => typeof each === "object" && each !== null && "reason" in each);

/** A runbook's text without its front matter and without the title at its top, which the page shows in its own way. */
export function proseOf(text: string, title: string): string {
  const body = text.replace(/^---\r?\n[\s\S]*?\r?\n---\r?\n/, "");
  const [, heading, rest] = /^\s*# (.+?)\s*?\r?\n([\s\S]*)$/.exec(body) ?? [];
  return heading === title && rest !== undefined ? rest : body;
}

const AUTONOMY: Readonly<Record<string, string>> = {
  L0: "observes only",
  L1: "proposes only",
  L2: "acts after a yes",
  L3: "may act by itself",
};
export const autonomyInWords = (level: string): string => (AUTONOMY[level] === undefined ? level : `${AUTONOMY[level]} (${level})`);
