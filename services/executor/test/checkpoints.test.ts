import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canonicalJson, silentLogger } from "@tocsin/runtime";
import { appendJournal, JOURNAL_GENESIS, openStore, readJournal, type Store, verifyJournal } from "@tocsin/store";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openCheckpoints, readCheckpoints, signedHeads } from "../src/checkpoints.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");
let store: Store;
let folder: string;
const folders: string[] = [];
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
beforeEach(async () => {
  await store.sql.query("TRUNCATE journal");
  folder = mkdtempSync(join(tmpdir(), "tocsin-audit-"));
  folders.push(folder);
});
afterAll(async () => {
  for (const each of folders) rmSync(each, { recursive: true });
  await store.close();
});

const write = async (count: number) => {
  for (let i = 0; i < count; i++)
    await store.sql.transaction((tx) =>
      appendJournal(tx, {
        at: "2026-01-01T00:00:00.000Z",
        actor: "module:executor",
        action: "step.begin",
        subject: `run_${i}`,
        body: { i },
      }),
    );
};

test("signs a head every so many entries, at a stop what came since, and nothing twice", async () => {
  const checkpoints = await openCheckpoints(folder, 3);
  await write(2);
  expect(await checkpoints.keep(store.sql, NOW)).toBe(false);
  await write(1);
  expect(await checkpoints.keep(store.sql, NOW)).toBe(true);
  await write(1);
  expect(await checkpoints.keep(store.sql, NOW)).toBe(false);
  expect(await checkpoints.keep(store.sql, NOW, true)).toBe(true);
  expect(await checkpoints.keep(store.sql, NOW, true)).toBe(false);
  expect((await readCheckpoints(folder)).map(({ seq }) => seq)).toEqual([3, 4]);
});

test("keeps its key over a restart, and only its owner may read it", async () => {
  const first = await openCheckpoints(folder, 1);
  await write(1);
  await first.keep(store.sql, NOW);
  const second = await openCheckpoints(folder, 1);
  expect(second.fingerprint).toBe(first.fingerprint);
  expect(await second.keep(store.sql, NOW)).toBe(false);
  expect(statSync(join(folder, "journal-key.pem")).mode & 0o777).toBe(0o600);
});

test("a journal that was written anew from its first entry on has a chain that holds, and no longer the heads that were signed", async () => {
  const checkpoints = await openCheckpoints(folder, 2);
  await write(4);
  await checkpoints.keep(store.sql, NOW);
  const entries = await readJournal(store.sql, { afterSeq: 0, limit: 10 });
  let prevHash = JOURNAL_GENESIS;
  for (const { seq, at, actor, action, subject } of entries) {
    const body = { forged: true };
    const hash = createHash("sha256").update(prevHash).update(canonicalJson({ seq, at, actor, action, subject, body })).digest("hex");
    await store.sql.query("UPDATE journal SET body = $2::jsonb, prev_hash = $3, hash = $4 WHERE seq = $1", [
      seq,
      JSON.stringify(body),
      prevHash,
      hash,
    ]);
    prevHash = hash;
  }
  expect(await verifyJournal(store.sql)).toMatchObject({ kind: "intact" });
  const { heads } = await signedHeads(folder);
  expect(await verifyJournal(store.sql, ...heads)).toMatchObject({ kind: "broken", seq: 4 });
});

test("a journal that was cut short lacks a head that was signed", async () => {
  const checkpoints = await openCheckpoints(folder, 1);
  await write(3);
  await checkpoints.keep(store.sql, NOW);
  await store.sql.query("DELETE FROM journal WHERE seq > 1");
  expect(await verifyJournal(store.sql, ...(await signedHeads(folder)).heads)).toMatchObject({ kind: "broken", problem: "missing" });
});

test("a checkpoint that was changed, or signed with another key than the one kept elsewhere, is refused", async () => {
  const checkpoints = await openCheckpoints(folder, 1);
  await write(1);
  await checkpoints.keep(store.sql, NOW);
  const publicKey = readFileSync(join(folder, "journal-key.pub"), "utf8");
  expect((await signedHeads(folder, publicKey)).fingerprint).toBe(checkpoints.fingerprint);

  const other = mkdtempSync(join(tmpdir(), "tocsin-audit-"));
  folders.push(other);
  await openCheckpoints(other, 1);
  const otherKey = readFileSync(join(other, "journal-key.pub"), "utf8");
  await expect(signedHeads(folder, otherKey)).rejects.toMatchObject({ code: "EXECUTOR_CHECKPOINT_INVALID" });

  const file = join(folder, "checkpoints.jsonl");
  writeFileSync(file, readFileSync(file, "utf8").replace('"seq":1', '"seq":2'));
  await expect(signedHeads(folder)).rejects.toMatchObject({ code: "EXECUTOR_CHECKPOINT_INVALID" });
});
