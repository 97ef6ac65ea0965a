import { digestOf } from "@tocsin/runtime";
import type { Code } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { type Document, isAlias, isNode, isScalar, LineCounter, parseDocument, visit } from "yaml";
import type * as z from "zod";
import { FrontMatter, type Runbook, type RunbookProblem, Step } from "./format.ts";
import { type LineOf, lintRunbook, type Report } from "./lint.ts";

/** A runbook is something people read: what is longer is not one. */
const MAX_CHARACTERS = 65_536;
const MAX_STEPS = 50;
/** Characters that make a text read differently from what it says (Trojan Source), or that no editor shows. Tab and line ends are fine. */
const DECEIVING = /(?![\t\r])[\p{Cc}\p{Cf}]/u;

export interface Parsed {
  /** Absent when any problem is an error. */
  readonly runbook: Runbook | undefined;
  /** In order of lines. */
  readonly problems: readonly RunbookProblem[];
}

/**
 * Reads one runbook.
 *
 * @param path relative to the runbooks folder; named in every problem
 * @returns the runbook, or every reason why it is none, each with its line. Never throws on any text.
 */
export function parseRunbook(path: string, text: string): Parsed {
  const problems: RunbookProblem[] = [];
  const report = (line: number, reason: string, level: RunbookProblem["level"] = "error") => {
    problems.push({ file: path, line, reason, level });
  };
  const finish = (runbook?: Runbook): Parsed => {
    problems.sort((a, b) => a.line - b.line);
    return { runbook: problems.some((p) => p.level === "error") ? undefined : runbook, problems };
  };

  if (text.length > MAX_CHARACTERS) {
    report(1, `longer than ${MAX_CHARACTERS} characters`);
    return finish();
  }
  text.split("\n").forEach((line, index) => {
    const found = DECEIVING.exec(line);
    if (found) report(index + 1, `a character that cannot be seen: U+${(found[0].codePointAt(0) as number).toString(16).padStart(4, "0")}`);
  });

  const head = /^---\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text);
  if (!head) {
    report(1, "no front matter: a runbook begins with a line `---`, YAML, and a line `---`");
    return finish();
  }
  const front = readYaml(FrontMatter, head[1] as string, 2, report);
  const bodyLine = lineCount(head[0]) - 1;

  const steps: { step: Step; lineOf: LineOf }[] = [];
  const fences = fencesIn(text.slice(head[0].length));
  if (fences.length > MAX_STEPS) report(1, `more than ${MAX_STEPS} steps`);
  for (const fence of fences.slice(0, MAX_STEPS)) {
    const fenceLine = bodyLine + (fence.position?.start.line ?? 1);
    const read = readYaml(Step, fence.value, fenceLine + 1, report);
    if (read) steps.push({ step: read.value, lineOf: read.lineOf });
  }
  if (fences.length === 0) report(bodyLine + 1, "no step: a step is a fenced block that begins with ```yaml step");
  if (!front) return finish();

  const runbook: Runbook = { ...front.value, path, digest: digestOf(text), steps: steps.map((s) => s.step), text };
  const isWhole = fences.length > 0 && steps.length === fences.length;
  lintRunbook(runbook, isWhole, front.lineOf, (index) => (steps[index] as { lineOf: LineOf }).lineOf, report);
  return finish(runbook);
}

const lineCount = (text: string): number => text.split("\n").length;

/** Fenced blocks that say `yaml step`, in order, at the top level of the text. */
function fencesIn(markdown: string): readonly Code[] {
  return fromMarkdown(markdown).children.filter(
    (node): node is Code => node.type === "code" && (node.lang === "yaml" || node.lang === "yml") && node.meta?.trim() === "step",
  );
}

function readYaml<Schema extends z.ZodType>(
  schema: Schema,
  source: string,
  firstLine: number,
  report: Report,
): { value: z.output<Schema>; lineOf: LineOf } | undefined {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, schema: "core", version: "1.2", uniqueKeys: true, prettyErrors: false });
  const faults = [...document.errors, ...document.warnings];
  for (const fault of faults) report(firstLine + lines.linePos(fault.pos[0]).line - 1, `YAML: ${fault.message}`);
  if (faults.length > 0) return undefined;

  let plain = true;
  visit(document, {
    Pair(_, { key }) {
      if (isScalar(key)) return;
      plain = false;
      const at = isNode(key) ? (key.range?.[0] ?? 0) : 0;
      report(firstLine + lines.linePos(at).line - 1, 'a key has to be a word; a placeholder has to be quoted: "{{service}}"');
    },
    Node(_, node) {
      // Aliases can make a small text a huge value, and tags can make it something else than it looks.
      if (isAlias(node) || ("anchor" in node && node.anchor) || node.tag?.startsWith("!")) {
        plain = false;
        report(firstLine + lines.linePos(node.range?.[0] ?? 0).line - 1, "YAML anchors, aliases and tags are not allowed");
      }
    },
  });
  if (!plain) return undefined;

  const lineOf: LineOf = (path) => firstLine + lines.linePos(offsetOf(document, path)).line - 1;
  const parsed = schema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (parsed.success) return { value: parsed.data, lineOf };
  for (const issue of parsed.error.issues) {
    const unknown = issue.code === "unrecognized_keys" ? issue.keys : [];
    const where = issue.path.map(String).join(".");
    if (unknown.length === 0) report(lineOf(issue.path), `${where ? `${where}: ` : ""}${issue.message}`);
    for (const key of unknown) report(lineOf([...issue.path, key]), `${where ? `${where}: ` : ""}nothing is called \`${key}\` here`);
  }
  return undefined;
}

/** Where a path leads in the text: the offset of the key, or of the nearest part above it that is there. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let offset = 0;
  let node: unknown = document.contents;
  if (isNode(node)) offset = node.range?.[0] ?? 0;
  for (const part of path) {
    const items = (node as { items?: readonly unknown[] } | null)?.items;
    if (!items) break;
    const item = typeof part === "number" ? items[part] : items.find((pair) => keyOf(pair) === String(part));
    if (item === undefined) break;
    const pair = item as { key?: { range?: readonly number[] }; value?: unknown };
    const at = pair.key?.range?.[0] ?? (item as { range?: readonly number[] }).range?.[0];
    if (at !== undefined) offset = at;
    node = pair.key === undefined ? item : pair.value;
  }
  return offset;
}

const keyOf = (pair: unknown): string | undefined => {
  const key = (pair as { key?: { value?: unknown } }).key?.value;
  return key === undefined ? undefined : String(key);
};
