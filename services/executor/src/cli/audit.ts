// `npm run audit -- verify [seq:hash] [--key FILE]`: walks the journal's hash chain and holds it against the signed heads in TOCSIN_EXECUTOR_AUDIT_DIR
// (`.data/audit`), which shows a journal that was cut short or written anew. `seq:hash` is a head noted by hand; FILE is the public key as it was
// copied elsewhere. Prints the head to note; exit code 1 when anything does not hold. `npm run audit -- key` prints the public key.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { AppError, messageOf, silentLogger } from "@tocsin/runtime";
import { openStore, verifyJournal } from "@tocsin/store";
import { signedHeads } from "../checkpoints.ts";

const USAGE = `usage: npm run audit -- verify [seq:hash] [--key FILE]
       npm run audit -- key

  verify       walks the journal's hash chain and holds it against the signed heads in TOCSIN_EXECUTOR_AUDIT_DIR (.data/audit)
  seq:hash     a head noted by hand, as this command prints it
  --key FILE   the public key as it was copied elsewhere
  key          prints the public key
`;
const folder = process.env["TOCSIN_EXECUTOR_AUDIT_DIR"] || ".data/audit";

async function verify(known: string | undefined, keyFile: string | undefined): Promise<number> {
  const noted = known === undefined ? undefined : /^(\d+):([0-9a-f]{64})$/.exec(known);
  if (noted === null) {
    process.stderr.write("a head has the form seq:hash, as this command prints it\n");
    return 2;
  }
  const { heads, fingerprint } = await signedHeads(folder, keyFile === undefined ? undefined : await readFile(keyFile, "utf8"));
  const store = await openStore({ url: process.env["TOCSIN_STORE_URL"] || "embedded:./.data/store", log: silentLogger });
  try {
    const all = noted ? [...heads, { seq: Number(noted[1]), hash: noted[2] as string }] : heads;
    const verdict = await verifyJournal(store.sql, ...all);
    if (verdict.kind === "broken") {
      process.stdout.write(`broken at entry ${verdict.seq}: ${verdict.text}\n`);
      return 1;
    }
    const signed =
      heads.length === 0
        ? `no signed head in ${folder}`
        : `${heads.length} signed heads hold, the last ${heads.at(-1)?.seq}, key ${fingerprint}${keyFile === undefined ? " (of the same folder: keep a copy elsewhere)" : ""}`;
    process.stdout.write(`intact: ${verdict.head.seq} entries; head ${verdict.head.seq}:${verdict.head.hash}; ${signed}\n`);
    return 0;
  } finally {
    await store.close();
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: { key: { type: "string" }, help: { type: "boolean" } }, allowPositionals: true });
  const [command, known] = positionals;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (command === "key") {
    process.stdout.write(await readFile(join(folder, "journal-key.pub"), "utf8"));
    return 0;
  }
  if (command === "verify") return verify(known, values.key);
  process.stderr.write(USAGE);
  return 2;
}

process.exitCode = await main().catch((error: unknown) => {
  if (AppError.is(error, "EXECUTOR_CHECKPOINT_INVALID")) {
    process.stdout.write(`broken: ${error.message}\n`);
    return 1;
  }
  process.stderr.write(`${messageOf(error)}\n`);
  return 2;
});
