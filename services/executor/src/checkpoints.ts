// Heads of the journal, signed and kept outside the database. A chain of hashes alone does not stop somebody who can write all rows anew; a head that was
// signed before and lies elsewhere does. The key is made at the first start.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isoTime, type Queryable } from "@tocsin/runtime";
import { type JournalHead, journalHead } from "@tocsin/store";
import * as z from "zod";
import { checkpointsInvalid } from "./errors.ts";

const PRIVATE = "journal-key.pem";
const PUBLIC = "journal-key.pub";
const FILE = "checkpoints.jsonl";

const Checkpoint = z.strictObject({
  seq: z.number().int().min(0),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.iso.datetime(),
  /** Fingerprint of the key that signed it. */
  key: z.string(),
  /** base64 */
  signature: z.string(),
});
export type Checkpoint = z.output<typeof Checkpoint>;

/** What is signed: a fixed prefix, so that a signature over anything else is never one over a head. */
const signedText = ({ seq, hash, at }: Pick<Checkpoint, "seq" | "hash" | "at">): Buffer =>
  Buffer.from(`tocsin-journal-head-v1\n${seq}\n${hash}\n${at}\n`);

/** `sha256:…` over the public key in DER. */
const fingerprintOf = (key: KeyObject): string =>
  `sha256:${createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("hex")}`;

export interface Checkpoints {
  readonly fingerprint: string;
  readonly publicKeyFile: string;
  /** Signs the head and appends it to the file when `every` entries came since the last one; at once with `now`. @returns whether it did */
  keep(sql: Queryable, nowMs: number, now?: boolean): Promise<boolean>;
}

/** Opens the folder, and makes a key pair of Ed25519 when there is none. @param every entries between two checkpoints */
export async function openCheckpoints(folder: string, every: number): Promise<Checkpoints> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const key = await privateKeyIn(folder);
  const publicKey = createPublicKey(key);
  const publicKeyFile = join(folder, PUBLIC);
  // Written each time: it follows from the private one, and a person copies it from here.
  await writeFile(publicKeyFile, publicKey.export({ type: "spki", format: "pem" }));
  const fingerprint = fingerprintOf(publicKey);
  let lastSeq = (await readCheckpoints(folder)).at(-1)?.seq ?? 0;
  return {
    fingerprint,
    publicKeyFile,
    async keep(sql, nowMs, now = false) {
      const head = await journalHead(sql);
      if (head.seq === 0 || head.seq === lastSeq || (!now && head.seq < lastSeq + every)) return false;
      const at = isoTime(nowMs);
      const signature = sign(null, signedText({ ...head, at }), key).toString("base64");
      await appendFile(join(folder, FILE), `${JSON.stringify({ ...head, at, key: fingerprint, signature } satisfies Checkpoint)}\n`);
      lastSeq = head.seq;
      return true;
    },
  };
}

async function privateKeyIn(folder: string): Promise<KeyObject> {
  const file = join(folder, PRIVATE);
  const { privateKey } = generateKeyPairSync("ed25519");
  try {
    // Of two processes that start together, one makes the key and both read it.
    await writeFile(file, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return createPrivateKey(await readFile(file));
}

/** The checkpoints of a folder in order; none when there is no file. @throws AppError `EXECUTOR_CHECKPOINT_INVALID` for a line that is none */
export async function readCheckpoints(folder: string): Promise<readonly Checkpoint[]> {
  const text = await readFile(join(folder, FILE), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    if (line === "") return [];
    const parsed = Checkpoint.safeParse(parseJson(line));
    if (parsed.success) return [parsed.data];
    // The last line of a process that was killed while it wrote.
    if (index === lines.length - 1) return [];
    throw checkpointsInvalid(folder, index + 1, "it is no checkpoint");
  });
}

/**
 * Heads that were really signed.
 *
 * @param publicKeyPem the key as it was copied elsewhere; the folder's own when absent, which shows only what was not done by whoever can write there
 * @throws AppError `EXECUTOR_CHECKPOINT_INVALID` for one that was not signed with it
 */
export async function signedHeads(
  folder: string,
  publicKeyPem?: string,
): Promise<{ readonly heads: readonly JournalHead[]; readonly fingerprint: string | undefined }> {
  const checkpoints = await readCheckpoints(folder);
  if (checkpoints.length === 0) return { heads: [], fingerprint: undefined };
  const publicKey = createPublicKey(publicKeyPem ?? (await readFile(join(folder, PUBLIC), "utf8")));
  checkpoints.forEach((checkpoint, index) => {
    if (!verify(null, signedText(checkpoint), publicKey, Buffer.from(checkpoint.signature, "base64")))
      throw checkpointsInvalid(folder, index + 1, `the head ${checkpoint.seq} is not signed with this key`);
  });
  return { heads: checkpoints.map(({ seq, hash }) => ({ seq, hash })), fingerprint: fingerprintOf(publicKey) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
