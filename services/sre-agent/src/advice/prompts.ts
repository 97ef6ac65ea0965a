import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { digestOf } from "@tocsin/runtime";
import { promptInvalid } from "../errors.ts";

/** A prompt as its file has it. What it produced is shown with its name, version and hash. */
export interface Prompt {
  readonly ref: { readonly name: string; readonly version: number; readonly hash: string };
  readonly system: string;
  readonly maxOutputTokens: number;
}
type PromptName = "hypothesis" | "narrate" | "ask" | "runbook-draft";
export type Prompts = Readonly<Record<PromptName, Prompt>>;

const NAMES: readonly PromptName[] = ["hypothesis", "narrate", "ask", "runbook-draft"];
const FOLDER = fileURLToPath(new URL("../../prompts", import.meta.url));

/** Pure: reads a prompt's file: front matter of `name`, `version` and `maxOutputTokens`, then the text. @throws AppError `AGENT_PROMPT_INVALID` */
export function parsePrompt(file: string, text: string): Prompt {
  const found = /^---\n([\s\S]*?)\n---\n+([\s\S]+)$/.exec(text);
  if (!found) throw promptInvalid(file, "it has no front matter");
  const fields = new Map(
    (found[1] ?? "").split("\n").map((line) => [line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const name = fields.get("name") ?? "";
  const version = Number(fields.get("version"));
  const maxOutputTokens = Number(fields.get("maxOutputTokens"));
  if (`${name}.md` !== file) throw promptInvalid(file, `its name is "${name}"`);
  if (!Number.isInteger(version) || version < 1) throw promptInvalid(file, "its version is no whole number");
  if (!Number.isInteger(maxOutputTokens) || maxOutputTokens < 1) throw promptInvalid(file, "its maxOutputTokens is no whole number");
  return { ref: { name, version, hash: digestOf(text) }, system: (found[2] ?? "").trim(), maxOutputTokens };
}

/** Reads every prompt, once. @throws AppError `AGENT_PROMPT_INVALID` */
export async function loadPrompts(folder = FOLDER): Promise<Prompts> {
  const files = await readdir(folder);
  const read = async (name: PromptName): Promise<[PromptName, Prompt]> => {
    const file = `${name}.md`;
    if (!files.includes(file)) throw promptInvalid(file, "it is not there");
    return [name, parsePrompt(file, await readFile(join(folder, file), "utf8"))];
  };
  return Object.fromEntries(await Promise.all(NAMES.map(read))) as unknown as Prompts;
}
