import { readdir, readFile } from "node:fs/promises";
import { silentLogger } from "@tocsin/runtime";
import { expect, test } from "vitest";
import { openBus } from "../src/index.ts";

test("an address without an adapter names the known ones and keeps its password", async () => {
  const opening = openBus({ url: "amqp://user:secret@h:1", log: silentLogger });
  await expect(opening).rejects.toMatchObject({ code: "BUS_URL_UNKNOWN_SCHEME" });
  await expect(opening).rejects.toThrow(/embedded:, kafka:\/\//);
  await expect(opening).rejects.not.toThrow(/secret/);
});

test("embedded: without a database is a mistake of the address", async () => {
  await expect(openBus({ url: "embedded:", log: silentLogger })).rejects.toMatchObject({ code: "BUS_URL_INVALID" });
});

test("the README documents every error code", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const sources = await readdir(new URL("../src", import.meta.url), { recursive: true });
  const codes = new Set<string>();
  for (const file of sources.filter((name) => name.endsWith(".ts"))) {
    const text = await readFile(new URL(`../src/${file}`, import.meta.url), "utf8");
    for (const [, code] of text.matchAll(/"(BUS_[A-Z_]+)"/g)) codes.add(code as string);
  }
  expect(codes.size).toBeGreaterThan(5);
  expect([...codes].filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
});
