// Terms. A *revision* is what runs: a version and a configuration. The *history* is the line of revisions as they were
// rolled out, with a pointer at the one that runs; a rollback moves the pointer back and forgets nothing.
import { digestOf } from "@tocsin/runtime";

export interface Revision {
  readonly id: string;
  readonly version: string;
  /** Extra arguments of the process: its configuration, and what a bad build carries. */
  readonly args: readonly string[];
}

export interface History {
  readonly line: readonly Revision[];
  /** Index of the revision that runs. */
  readonly at: number;
}

/** `<version>+<6 hex digits of the configuration>` */
export function revisionOf(version: string, args: readonly string[], configuration: string): Revision {
  return { id: `${version}+${digestOf(configuration).slice(7, 13)}`, version, args };
}

export const current = (history: History): Revision => history.line[history.at] as Revision;
export const previous = (history: History): Revision | undefined => history.line[history.at - 1];

/** Rolls out a revision after the one that runs; what had been rolled back before is dropped from the line. */
export const rolledOut = (history: History, revision: Revision): History => ({
  line: [...history.line.slice(0, history.at + 1), revision],
  at: history.at + 1,
});

/** To the revision before, or to the named one. @returns undefined when there is none such */
export function rolledBack(history: History, toRevision?: string): History | undefined {
  const at = toRevision === undefined ? history.at - 1 : history.line.findIndex((revision) => revision.id === toRevision);
  return at < 0 ? undefined : { line: history.line, at };
}
