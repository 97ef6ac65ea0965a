// `npm run audit -- verify [seq:hash]`: walks the journal's hash chain. `seq:hash` is a head noted earlier and kept elsewhere: the chain has to
// hold it still, which shows a journal that was cut short or written anew. Prints the head to note; exit code 1 when the chain is broken.
import { messageOf, silentLogger } from "@tocsin/runtime";
import { openStore, verifyJournal } from "@tocsin/store";

async function verify(known: string | undefined): Promise<number> {
  const head = known === undefined ? undefined : /^(\d+):([0-9a-f]{64})$/.exec(known);
  if (head === null) {
    process.stderr.write("a head has the form seq:hash, as this command prints it\n");
    return 2;
  }
  const store = await openStore({ url: process.env["TOCSIN_STORE_URL"] || "embedded:./.data/store", log: silentLogger });
  try {
    const verdict = await verifyJournal(store.sql, head && { seq: Number(head[1]), hash: head[2] as string });
    if (verdict.kind === "broken") {
      process.stdout.write(`broken at entry ${verdict.seq}: ${verdict.text}\n`);
      return 1;
    }
    process.stdout.write(`intact: ${verdict.head.seq} entries; head ${verdict.head.seq}:${verdict.head.hash}\n`);
    return 0;
  } finally {
    await store.close();
  }
}

const [command, known] = process.argv.slice(2);
if (command !== "verify") {
  process.stderr.write("usage: audit verify [seq:hash]\n");
  process.exitCode = 2;
} else
  process.exitCode = await verify(known).catch((error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    return 2;
  });
