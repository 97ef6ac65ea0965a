import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";

test("the README documents every code that can show, and no other", async () => {
  const root = new URL("../", import.meta.url);
  const files = (await readdir(new URL("src/", root), { recursive: true })).filter((name) => name.endsWith(".ts"));
  const sources = await Promise.all(files.map((name) => readFile(new URL(`src/${name}`, root), "utf8")));
  const used = new Set(sources.join("\n").match(/\b(?:PROMQL|PROM|LOKI|TEMPO|LAB|EMBEDDED|SOURCE|SIGNALS)_[A-Z]+(?:_[A-Z]+)*\b(?=["`:])/g));
  const documented = new Set((await readFile(new URL("README.md", root), "utf8")).match(/(?<=^\| `)[A-Z_]+(?=` +\|)/gm));
  expect([...documented].sort()).toEqual([...used].sort());
});
