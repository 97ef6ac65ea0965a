// A plain Markdown runbook, as most teams have them: nothing in it is run. It is found by what it says and followed by a person, step by step.
import { digestOf } from "@tocsin/runtime";
import type { ListItem, Nodes, RootContent } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { parse as parseYaml } from "yaml";
import type { Field } from "./text-similarity.ts";

export interface GuidanceStep {
  /** The heading that it stands under; empty before the first. */
  readonly section: string;
  /** What a person should do or look at: a list item, or a block of commands. */
  readonly text: string;
}

export interface Guidance {
  /** The file's name without `.md`. */
  readonly id: string;
  readonly title: string;
  readonly path: string;
  readonly digest: string;
  readonly text: string;
  /** Headings with the text below them, in order. */
  readonly sections: readonly { readonly title: string; readonly text: string }[];
  /** What to go through one after another; empty when the text has no list and no commands. */
  readonly steps: readonly GuidanceStep[];
}

/** Reads any Markdown text. Never throws: a text without structure is one section. */
export function parseGuidance(path: string, text: string): Guidance {
  const head = /^---\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text);
  const { children } = fromMarkdown(text.slice(head?.[0].length ?? 0));
  const sections: { title: string; text: string }[] = [];
  const steps: GuidanceStep[] = [];
  let current = { title: "", text: "" };
  for (const node of children) {
    if (node.type === "heading") {
      if (current.title !== "" || current.text !== "") sections.push(current);
      current = { title: wordsOf(node), text: "" };
      continue;
    }
    current.text += `${wordsOf(node)}\n`;
    for (const step of stepsIn(node)) steps.push({ section: current.title, text: step });
  }
  sections.push(current);
  const id = (path.split("/").at(-1) ?? path).replace(/\.md$/, "");
  return {
    id,
    title: titleIn(head?.[1]) ?? sections.find((s) => s.title !== "")?.title ?? id,
    path,
    digest: digestOf(text),
    text,
    sections,
    steps,
  };
}

function titleIn(front: string | undefined): string | undefined {
  if (front === undefined) return undefined;
  try {
    const title = (parseYaml(front, { maxAliasCount: 0 }) as { title?: unknown } | null)?.title;
    return typeof title === "string" && title.trim() !== "" ? title.trim() : undefined;
  } catch {
    return undefined;
  }
}

function stepsIn(node: RootContent): readonly string[] {
  // A step for the machine says in YAML what the prose above it says in words.
  if (node.type === "code") return node.meta?.trim() === "step" ? [] : [node.value];
  return node.type === "list" ? node.children.map((item: ListItem) => wordsOf(item).trim()) : [];
}

/** The text of a node without its marks; commands as they stand. */
function wordsOf(node: Nodes): string {
  if ("value" in node) return node.type === "html" ? "" : node.value;
  if (!("children" in node)) return node.type === "image" || node.type === "imageReference" ? (node.alt ?? "") : " ";
  const isBlock = node.type === "listItem" || node.type === "list" || node.type === "blockquote";
  return node.children.map((child) => wordsOf(child as Nodes)).join(isBlock ? "\n" : "");
}

/** Its parts as the index weighs them: what it is called speaks louder than what it says at length. */
export const guidanceFields = (guidance: Guidance): readonly Field[] => [
  { text: `${guidance.title} ${guidance.id}`, weight: 3 },
  { text: guidance.sections.map((section) => section.title).join("\n"), weight: 1 },
  ...guidance.sections.map((section) => ({
    text: section.text,
    weight: /meaning|summary|symptom|description|what/i.test(section.title) ? 2 : 1,
  })),
];
