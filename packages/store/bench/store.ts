// npm run bench -- store [url …]: how fast the store opens, writes and hands over jobs. JSON lines, one per measure. Without arguments:
// PGlite in a fresh folder, the same folder again, and PGlite in memory.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OutgoingEvent } from "@tocsin/contracts";
import { newId, silentLogger } from "@tocsin/runtime";
import { appendEvents } from "../src/event-log.ts";
import { openStore } from "../src/open-store.ts";

const print = (url: string, measure: string, figures: Record<string, number>) =>
  process.stdout.write(`${JSON.stringify({ bench: "store", url: url.replace(/\/\/.*@/, "//…@"), measure, ...figures })}\n`);
const round = (n: number) => Math.round(n * 10) / 10;

const eventOf = (id: string): OutgoingEvent => ({
  id,
  type: "dev.tocsin.incident.moved.v1",
  source: "/tocsin/bench",
  time: new Date().toISOString(),
  topic: "sre-events",
  key: "inc_bench",
  data: { incidentId: "inc_bench", text: "x".repeat(200) },
});

async function perSecond(count: number, concurrency: number, work: (n: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (let n = next++; n < count; n = next++) await work(n);
    }),
  );
  return Math.round(count / ((performance.now() - startedAt) / 1_000));
}

async function measure(url: string): Promise<void> {
  const startedAt = performance.now();
  const store = await openStore({ url, log: silentLogger });
  const { sql, jobs } = store;
  print(url, "open", { ms: round(performance.now() - startedAt), rssMb: Math.round(process.memoryUsage().rss / 1e6) });
  try {
    await sql.query("CREATE TABLE IF NOT EXISTS bench (id text PRIMARY KEY, body text)");
    const insert = (n: number) => sql.query("INSERT INTO bench (id, body) VALUES ($1, $2)", [newId("b"), `${n}${"x".repeat(200)}`]);
    print(url, "inserts", { one: await perSecond(2_000, 1, insert), eight: await perSecond(2_000, 8, insert) });
    const change = (n: number) =>
      sql.transaction(async (tx) => {
        await tx.query("INSERT INTO bench (id, body) VALUES ($1, $2)", [newId("b"), String(n)]);
        await appendEvents(tx, [eventOf(newId("evt"))]);
      });
    print(url, "transactions with an event", { one: await perSecond(500, 1, change), eight: await perSecond(500, 8, change) });

    const queue = newId("bench");
    const latencies: number[] = [];
    let arrived = () => {};
    const stop = await jobs.work(queue, {}, async () => arrived());
    for (let n = 0; n < 200; n++) {
      const ran = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      await sql.transaction((tx) => jobs.send(tx, { queue, data: {} }));
      const sentAt = performance.now();
      await ran;
      latencies.push(performance.now() - sentAt);
    }
    await stop();
    latencies.sort((a, b) => a - b);
    print(url, "job, from commit to start", { p50Ms: round(latencies[100] ?? 0), p99Ms: round(latencies[198] ?? 0) });
    print(url, "memory", { rssMb: Math.round(process.memoryUsage().rss / 1e6) });
  } finally {
    await sql.query("DROP TABLE IF EXISTS bench");
    await store.close();
  }
}

const urls = process.argv.slice(2);
if (urls.length > 0) for (const url of urls) await measure(url);
else {
  const folder = await mkdtemp(join(tmpdir(), "tocsin-bench-"));
  for (const url of [`embedded:${folder}`, `embedded:${folder}`, "embedded:memory"]) await measure(url);
  await rm(folder, { recursive: true, force: true });
}
