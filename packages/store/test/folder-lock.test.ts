import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockFolder } from "../src/folder-lock.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tocsin-lock-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Leaves the lock of a process that was killed: ours, with fields replaced. */
async function leaveLock(change: { pid?: number; startedAt?: string; host?: string }): Promise<void> {
  const path = join(folder, "tocsin.lock");
  const lock = await lockFolder(folder);
  const [pid, startedAt, boot, host] = (await readFile(path, "utf8")).trim().split(" ");
  await lock.release();
  await writeFile(path, `${change.pid ?? pid} ${change.startedAt ?? startedAt} ${boot} ${change.host ?? host}\n`);
}

const unusable = (text: RegExp) => expect.objectContaining({ code: "STORE_FOLDER_UNUSABLE", message: expect.stringMatching(text) });

test("creates the folder, holds it, and leaves nothing behind when released", async () => {
  const inner = join(folder, "a", "b");
  const lock = await lockFolder(inner);
  await expect(lockFolder(inner)).rejects.toEqual(unusable(/this process is using it/));
  await lock.release();
  expect(await readdir(inner)).toEqual([]);
  await (await lockFolder(inner)).release();
});

test("is taken over from a process that is gone", async () => {
  await leaveLock({ pid: 999_999_999 });
  await (await lockFolder(folder)).release();
});

test("is taken over when the pid belongs to a later process", async () => {
  await leaveLock({ startedAt: "1" });
  await (await lockFolder(folder)).release();
});

test("respects a holder on another host until it has not touched the lock for a while", async () => {
  const path = join(folder, "tocsin.lock");
  await leaveLock({ pid: 1, host: "another-host" });
  await expect(lockFolder(folder)).rejects.toEqual(unusable(/process 1 on another-host is using it/));
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(path, longAgo, longAgo);
  await (await lockFolder(folder)).release();
});

test("lets exactly one of many through when the holder is gone", async () => {
  await leaveLock({ pid: 999_999_999 });
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => lockFolder(folder)));
  const won = outcomes.filter((outcome) => outcome.status === "fulfilled");
  expect(won).toHaveLength(1);
  for (const { value } of won) await value.release();
});

test("says in one line why a folder cannot be used", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  await expect(lockFolder(join(file, "data"))).rejects.toEqual(unusable(/^data folder .*file\/data cannot be used: ENOTDIR[^\n]*$/));
});
