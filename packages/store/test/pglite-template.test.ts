import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Logger, silentLogger } from "@tocsin/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore } from "../src/open-store.ts";
import { copyTemplate, keepTemplate, templateImage } from "../src/pglite-template.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tocsin-template-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (name: string) => openStore({ url: `embedded:${join(folder, name)}`, log: silentLogger });
const switchesIn = async (store: Awaited<ReturnType<typeof open>>) => (await store.sql.query("SELECT name FROM switches")).rows;

test("two new folders begin alike and are apart from then on", async () => {
  const [one, other] = [await open("one"), await open("other")];
  try {
    await one.sql.query("INSERT INTO switches (name, is_on, changed_by) VALUES ('only-here', true, 'test')");
    expect(await switchesIn(one)).toEqual([{ name: "only-here" }]);
    expect(await switchesIn(other)).toEqual([]);
  } finally {
    await Promise.all([one.close(), other.close()]);
  }
  expect(readdirSync(join(folder, "one"))).toEqual(["pgdata"]);
  const third = await open("third");
  expect(await switchesIn(third)).toEqual([]);
  await third.close();
});

test("what a killed process has left of a copy is no obstacle and does not stay", async () => {
  mkdirSync(join(folder, "pgdata.new", "base"), { recursive: true });
  writeFileSync(join(folder, "pgdata.new", "PG_VERSION"), "half");
  expect(await copyTemplate(join(folder, "pgdata"))).toBe(true);
  expect(readFileSync(join(folder, "pgdata", "PG_VERSION"), "utf8")).toMatch(/^\d+\n$/);
  expect(existsSync(join(folder, "pgdata.new"))).toBe(false);
});

test("what is only in memory begins migrated too, and each apart from the others", async () => {
  const told: string[] = [];
  const log = { ...silentLogger, info: (_: object, text: string) => told.push(text) } as Logger;
  const inMemory = () => openStore({ url: "embedded:memory", log });
  const [one, other] = [await inMemory(), await inMemory()];
  try {
    expect(told).not.toContain("store migrated");
    await one.sql.query("INSERT INTO switches (name, is_on, changed_by) VALUES ('only-here', true, 'test')");
    expect(await switchesIn(one)).toEqual([{ name: "only-here" }]);
    expect(await switchesIn(other)).toEqual([]);
  } finally {
    await Promise.all([one.close(), other.close()]);
  }
});

test("without a template nothing is left behind, and a folder is initialised in place", async () => {
  expect(await templateImage(join(folder, "nowhere"))).toBeUndefined();
  expect(await copyTemplate(join(folder, "pgdata"), join(folder, "nowhere"))).toBe(false);
  expect(readdirSync(folder)).toEqual([]);
});

test("a template appears whole or not at all, once, and ends those of other code", async () => {
  const template = join(folder, "folder-0123456789abcdef");
  const fail = keepTemplate(async (own) => {
    writeFileSync(join(own, "half"), "");
    throw new Error("killed here");
  }, template);
  await expect(fail).rejects.toThrow("killed here");
  expect(readdirSync(folder)).toEqual([]);

  mkdirSync(join(folder, "folder-fedcba9876543210"));
  writeFileSync(join(folder, "image.tar"), "");
  const make = async (own: string) => writeFileSync(join(own, "whole"), "");
  await Promise.all([keepTemplate(make, template), keepTemplate(make, template)]);
  await keepTemplate(() => Promise.reject(new Error("made again")), template);
  expect(readdirSync(folder).toSorted()).toEqual(["folder-0123456789abcdef", "image.tar"]);
  expect(readdirSync(template)).toEqual(["whole"]);
});
