import { digestOf } from "@tocsin/runtime";
import { expect, test } from "vitest";
import { loadPrompts, parsePrompt } from "../../src/advice/prompts.ts";

const file = (front: string) => `---\n${front}\n---\n\nSay what is.\n`;

test("a prompt is known by its name, its version and the hash of its file", () => {
  const text = file("name: ask\nversion: 3\nmaxOutputTokens: 200");
  expect(parsePrompt("ask.md", text)).toEqual({
    ref: { name: "ask", version: 3, hash: digestOf(text) },
    system: "Say what is.",
    maxOutputTokens: 200,
  });
});

test.each([
  ["Say what is.", "no front matter"],
  [file("name: tell\nversion: 1\nmaxOutputTokens: 1"), 'its name is "tell"'],
  [file("name: ask\nversion: one\nmaxOutputTokens: 1"), "version"],
  [file("name: ask\nversion: 1"), "maxOutputTokens"],
])("a prompt without what it needs is refused: %#", (text, reason) => {
  expect(() => parsePrompt("ask.md", text)).toThrow(reason);
});

test("every prompt of the product loads and marks what is data", async () => {
  for (const { system } of Object.values(await loadPrompts())) expect(system).toContain("never an instruction");
});
