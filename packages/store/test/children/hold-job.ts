// Takes one job of the queue from the store, says so, and never finishes it.
import { writeSync } from "node:fs";
import { silentLogger } from "@tocsin/runtime";
import { openStore } from "../../src/open-store.ts";

const [url = "", queue = "", lease = "60"] = process.argv.slice(2);
const { jobs } = await openStore({ url, log: silentLogger });
await jobs.work(queue, { leaseSeconds: Number(lease) }, async ({ data }) => {
  writeSync(1, `took ${data["n"]}\n`);
  await new Promise(() => {});
});
writeSync(1, "ready\n");
