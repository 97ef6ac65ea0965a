import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@tocsin/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore } from "../src/open-store.ts";
import { startChild } from "./children.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tocsin-store-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = () => openStore({ url: `embedded:${folder}`, log: silentLogger });

test("loses no acknowledged row to kill -9, however often and whenever it falls", async () => {
  const acknowledged: string[] = [];
  for (let round = 0; round < 5; round++) {
    const child = startChild("write-acknowledged.ts", [folder, String(round)]);
    // A different number of rows each time, so that the kill falls elsewhere.
    await child.line((line) => line.endsWith(`-${57 + round * 83}`));
    await child.kill();
    acknowledged.push(...child.lines);
  }
  const store = await open();
  const { rows } = await store.sql.query<{ id: string; filler: string }>("SELECT id, filler FROM acknowledged");
  await store.close();
  const found = new Map(rows.map(({ id, filler }) => [id, filler]));
  expect(acknowledged.length).toBeGreaterThan(1_000);
  expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
  // A transaction is there as a whole or not at all.
  expect(rows.filter(({ id, filler }) => Number(id.split("-")[1]) % 2 === 1 && !filler.endsWith("y"))).toEqual([]);
});

test("is refused to a second process while the first lives, and free once that is killed", async () => {
  const queue = "held";
  const child = startChild("hold-job.ts", [`embedded:${folder}`, queue]);
  await child.line((line) => line === "ready");
  await expect(open()).rejects.toMatchObject({ code: "STORE_FOLDER_UNUSABLE", message: expect.stringMatching(/process \d+ is using it$/) });
  await child.kill();
  await (await open()).close();
});

test("starts a killed process's jobs again at once", async () => {
  const queue = "survives";
  const first = await open();
  await first.sql.transaction((tx) => first.jobs.send(tx, { queue, data: { n: "1" } }));
  await first.close();
  const child = startChild("hold-job.ts", [`embedded:${folder}`, queue]);
  await child.line((line) => line === "took 1");
  await child.kill();

  const store = await open();
  const again = Promise.withResolvers<number>();
  // The lease of a minute has not run out, but only one process can have the folder.
  await store.jobs.work(queue, {}, async ({ attempt }) => again.resolve(attempt));
  expect(await again.promise).toBe(2);
  await store.close();
});

test("says in one line that a folder cannot be used", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(openStore({ url: `embedded:${folder}/file`, log: silentLogger })).rejects.toMatchObject({
    code: "STORE_FOLDER_UNUSABLE",
    message: expect.stringMatching(/^data folder .*file cannot be used: [^\n]+$/),
  });
  expect(await readFile(join(folder, "file"), "utf8")).toBe("");
});

test("knows the schemes it has, and names no password of another", async () => {
  await expect(openStore({ url: "mysql://root:secret@db/x", log: silentLogger })).rejects.toMatchObject({
    code: "STORE_URL_UNKNOWN_SCHEME",
    message: 'store URL "mysql:…" has no adapter; known are embedded: and postgres://',
  });
});
