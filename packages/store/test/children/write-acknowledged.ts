// Writes rows into the PGlite folder given as argument, one by one and in transactions, and prints each id once the write is acknowledged.
import { writeSync } from "node:fs";
import { silentLogger } from "@tocsin/runtime";
import { openStore } from "../../src/open-store.ts";

const [folder, round] = process.argv.slice(2);
const { sql } = await openStore({ url: `embedded:${folder}`, log: silentLogger });
await sql.query("CREATE TABLE IF NOT EXISTS acknowledged (id text PRIMARY KEY, filler text NOT NULL)");
const filler = "x".repeat(500);
for (let n = 0; ; n++) {
  const id = `${round}-${n}`;
  if (n % 2 === 0) await sql.query("INSERT INTO acknowledged (id, filler) VALUES ($1, $2)", [id, filler]);
  else
    await sql.transaction(async (tx) => {
      await tx.query("INSERT INTO acknowledged (id, filler) VALUES ($1, $2)", [id, filler]);
      await tx.query("UPDATE acknowledged SET filler = $2 WHERE id = $1", [id, `${filler}y`]);
    });
  // In one system call, so that what was printed before the kill is whole.
  writeSync(1, `${id}\n`);
  // A checkpoint now and then, as upkeep does: a kill may fall into it.
  if (n % 200 === 199) await sql.query("CHECKPOINT");
}
