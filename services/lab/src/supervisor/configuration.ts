import { type History, previous, type Revision, revisionOf, rolledBack, rolledOut } from "./revision-history.ts";

/** What of a service may be set, with what a value has to look like: the arguments of its process that do no harm. */
const SETTABLE: Readonly<Record<string, RegExp>> = { "pool-size": /^[1-9]\d{0,2}$/ };

export interface Setting {
  readonly name: string;
  /** null: the default of the program. */
  readonly value: string | null;
}

export const configurationOf = ({ args }: Revision): Readonly<Record<string, string | null>> =>
  Object.fromEntries(
    Object.keys(SETTABLE).map((name) => {
      const at = args.indexOf(`--${name}`);
      return [name, at < 0 ? null : (args[at + 1] ?? null)];
    }),
  );

/** Why it cannot be set, or undefined. */
export function settingProblem({ name, value }: Setting): string | undefined {
  const pattern = Object.hasOwn(SETTABLE, name) ? SETTABLE[name] : undefined;
  if (!pattern) return `${JSON.stringify(name)} cannot be set; known: ${Object.keys(SETTABLE).join(", ")}`;
  return value === null || pattern.test(value) ? undefined : `${JSON.stringify(value)} is no ${name}`;
}

/**
 * Pure: the history with one value set: a new revision, or the one before when that is what the value makes. So setting the old value ends where it
 * began.
 */
export function configured(history: History, now: Revision, { name, value }: Setting): History {
  const at = now.args.indexOf(`--${name}`);
  const rest = at < 0 ? now.args : now.args.toSpliced(at, 2);
  const args = value === null ? rest : [...rest, `--${name}`, value];
  const isSame = (revision: Revision | undefined) => revision?.version === now.version && revision.args.join(" ") === args.join(" ");
  if (isSame(now)) return history;
  if (isSame(previous(history))) return rolledBack(history) as History;
  return rolledOut(history, revisionOf(now.version, args, args.join(" ")));
}
