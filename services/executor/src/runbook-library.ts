import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { indexRunbooks, type LoadedRunbooks, loadRunbooks, type Runbook, type TextIndex } from "@tocsin/runbooks";
import type { Logger } from "@tocsin/runtime";
import { runbooksUnreadable } from "./errors.ts";

/** The runbooks as they were when last read. */
export interface RunbookLibrary {
  readonly runbooks: readonly Runbook[];
  readonly texts: TextIndex<Runbook>;
  /** Files that were not accepted. */
  readonly refused: number;
  find(id: string): Runbook | undefined;
  /** Reads the folder again: a runbook that was edited counts from the next run on. What cannot be read leaves it as it was. */
  reload(): Promise<void>;
}

/** @throws AppError `EXECUTOR_CONFIG_INVALID` when there is no such folder */
export async function readRunbooks(folder: string): Promise<LoadedRunbooks> {
  return loadRunbooks({
    list: () =>
      readdir(folder, { recursive: true }).catch((error: unknown) => {
        throw runbooksUnreadable(folder, error);
      }),
    read: (path) => readFile(join(folder, path), "utf8"),
  });
}

/** Loads the runbooks and logs each that is refused, with file, line and reason; the others are there. */
export async function openLibrary(folder: string, log: Logger): Promise<RunbookLibrary> {
  let { runbooks, problems } = await readRunbooks(folder);
  let texts = indexRunbooks(runbooks);
  let byId = new Map(runbooks.map((runbook) => [runbook.id, runbook]));
  const tell = () => {
    for (const { file, line, reason, level } of problems) {
      if (level === "error") log.error({ file, line, reason }, "runbook refused");
      else log.warn({ file, line, reason }, "runbook to look at");
    }
  };
  tell();
  return {
    get runbooks() {
      return runbooks;
    },
    get texts() {
      return texts;
    },
    get refused() {
      return new Set(problems.filter((problem) => problem.level === "error").map((problem) => problem.file)).size;
    },
    find: (id) => byId.get(id),
    async reload() {
      try {
        const known = problems.length;
        ({ runbooks, problems } = await readRunbooks(folder));
        texts = indexRunbooks(runbooks);
        byId = new Map(runbooks.map((runbook) => [runbook.id, runbook]));
        if (problems.length !== known) tell();
      } catch (err) {
        log.error({ err, folder }, "runbooks not read again");
      }
    },
  };
}
