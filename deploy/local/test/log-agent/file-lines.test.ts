import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "@tocsin/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { followFile, lengthOf } from "../../src/log-agent/file-lines.ts";

let folder: string;
let path: string;
const undo: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tocsin-follow-"));
  path = join(folder, "bridge-1.log");
});
afterEach(async () => {
  for (const step of undo.splice(0)) await step();
  rmSync(folder, { recursive: true });
});

function follow(from = 0, hasRoom = () => true): { lines: string[]; until: (count: number) => Promise<readonly string[]> } {
  const lines: string[] = [];
  const following = followFile({ path, from, hasRoom, onLine: (text) => lines.push(text), everyMs: 5 });
  undo.push(() => following.stop());
  return { lines, until: (count) => eventually(`${count} lines`, async () => (lines.length >= count ? lines : undefined)) };
}

test("hands over whole lines alone, also of a file that comes later, and characters that were cut between two writes", async () => {
  const { lines, until } = follow();
  expect(await lengthOf(path)).toBe(0);
  const bytes = Buffer.from("eins\nzwölf\n\nrest");
  const cut = bytes.indexOf(0xc3) + 1;
  writeFileSync(path, bytes.subarray(0, cut));
  await until(1);
  appendFileSync(path, bytes.subarray(cut));
  expect(await until(2)).toEqual(["eins", "zwölf"]);
  appendFileSync(path, " is whole\n");
  await until(3);
  expect(lines[2]).toBe("rest is whole");
});

test("begins where it is told, and at the beginning of a file that was cut short", async () => {
  writeFileSync(path, "of an earlier run\n");
  const { until } = follow(await lengthOf(path));
  appendFileSync(path, "new\n");
  expect(await until(1)).toEqual(["new"]);
  writeFileSync(path, "again\n");
  expect(await until(2)).toEqual(["new", "again"]);
});

test("leaves lines in the file while there is no room for them", async () => {
  let room = false;
  let asked = 0;
  writeFileSync(path, "kept\n");
  const { lines, until } = follow(0, () => {
    asked++;
    return room;
  });
  await eventually("it has asked", async () => (asked > 2 ? true : undefined));
  expect(lines).toEqual([]);
  room = true;
  expect(await until(1)).toEqual(["kept"]);
});

test("a line without an end comes in pieces rather than grow for ever", async () => {
  writeFileSync(path, "x".repeat(200_000));
  const { until } = follow();
  const lines = await until(3);
  expect(lines.slice(0, 3).map((line) => line.length)).toEqual([65_536, 65_536, 65_536]);
});

test("stopping reads to the end once more", async () => {
  const lines: string[] = [];
  const following = followFile({ path, from: 0, hasRoom: () => true, onLine: (text) => lines.push(text), everyMs: 60_000 });
  await new Promise((resolve) => setImmediate(resolve));
  writeFileSync(path, "last words\n");
  await following.stop();
  expect(lines).toEqual(["last words"]);
});
