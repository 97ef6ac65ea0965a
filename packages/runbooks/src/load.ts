import { messageOf } from "@tocsin/runtime";
import type { Runbook, RunbookProblem } from "./format.ts";
import { lintRunbooks } from "./lint.ts";
import { parseRunbook } from "./parse.ts";

/** How a service lends its file system: `readdir(…, { recursive: true })` and `readFile(…, "utf8")` of node:fs/promises fit. */
export interface RunbookFiles {
  /** Paths below the folder, relative to it. */
  list(): Promise<readonly string[]>;
  read(path: string): Promise<string>;
}

export interface LoadedRunbooks {
  /** Those without an error, sorted by id. */
  readonly runbooks: readonly Runbook[];
  /** In order of file and line. One bad runbook keeps no other from loading. */
  readonly problems: readonly RunbookProblem[];
}

/** Reads every runbook of a folder: each `.md` but README.md and what begins with a dot or an underscore. */
export async function loadRunbooks(files: RunbookFiles): Promise<LoadedRunbooks> {
  const paths = (await files.list())
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".md") && !path.split("/").some((part) => /^[._]|^README\.md$/.test(part)))
    .sort();
  const problems: RunbookProblem[] = [];
  const runbooks: Runbook[] = [];
  for (const path of paths) {
    try {
      const parsed = parseRunbook(path, await files.read(path));
      problems.push(...parsed.problems);
      if (parsed.runbook) runbooks.push(parsed.runbook);
    } catch (error) {
      problems.push({ file: path, line: 1, reason: `cannot be read: ${messageOf(error)}`, level: "error" });
    }
  }
  const twice = lintRunbooks(runbooks);
  problems.push(...twice);
  const refused = new Set(twice.filter((p) => p.level === "error").map((p) => p.file));
  const kept = runbooks.filter((runbook) => !refused.has(runbook.path)).sort((a, b) => (a.id < b.id ? -1 : 1));
  return { runbooks: kept, problems: problems.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line)) };
}
