// npm run bench -- console: the live stream with many clients, the API over many incidents, the size and the first paint of the page. JSON
// lines. Each part is left out with `--no-stream`, `--no-api`, `--no-page`.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { eventOf, type OutgoingEvent, ThoughtRecorded } from "@tocsin/contracts";
import { isoTime } from "@tocsin/runtime";
import { appendEvents } from "@tocsin/store";
import { launch } from "../test/browser.ts";
import { bundle, consoleUnderTest } from "../test/console-under-test.ts";
import { seedIncident } from "../test/seed.ts";
import { seedStory } from "../test/story.ts";

const CLIENTS = 2_000;
const STALLED = 100;
const EVENTS_PER_SECOND = 50;
const SECONDS = 20;
const INCIDENTS = 100_000;

const print = (name: string, metric: string, value: number, unit: string, more: Record<string, unknown> = {}) =>
  process.stdout.write(
    `${JSON.stringify({ suite: "console", case: name, subject: "tocsin", metric, value: Math.round(value * 100) / 100, unit, ...more })}\n`,
  );
const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
const without = (part: string) => process.argv.includes(`--no-${part}`);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Run as a process of its own: reads `count` streams and prints how long each event took to come. */
async function readStreams(port: number, count: number): Promise<void> {
  const latencies: number[] = [];
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, "127.0.0.1");
      await new Promise((resolve) => socket.once("connect", resolve));
      socket.write("GET /api/v1/stream HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n");
      await new Promise((resolve) => socket.once("data", resolve));
      socket.on("data", (chunk: Buffer) => {
        const now = Date.now();
        // Each event carries when it was written as its text; finding that is all the parsing there is.
        for (let at = chunk.indexOf('"text":"@'); at >= 0; at = chunk.indexOf('"text":"@', at + 1))
          latencies.push(now - Number(chunk.toString("latin1", at + 9, at + 22)));
      });
      return socket;
    }),
  );
  process.send?.("connected");
  process.once("message", () => {
    for (const socket of sockets) socket.destroy();
    const sorted = latencies.sort((a, b) => a - b);
    const result = { n: sorted.length, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: sorted.at(-1) };
    process.send?.(result, undefined, undefined, () => process.exit(0));
  });
}

function startReaders(port: number, count: number) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), "--read", String(port), String(count)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const next = () => new Promise<unknown>((resolve) => child.once("message", resolve));
  return {
    connected: next(),
    async end() {
      const result = next();
      child.send("end");
      return (await result) as { n: number; p50: number; p99: number; max: number };
    },
  };
}

let told = 0;
const event = (): OutgoingEvent => {
  const at = isoTime(Date.now());
  const text = `@${Date.now()} something was looked at and this is what was seen, in about as many words as a thought has`;
  return eventOf(
    ThoughtRecorded,
    { id: `bench:${++told}`, source: "/bench", time: at },
    { incidentId: "inc_bench", at, kind: "note", text, phase: "gather" },
  );
};

/** Bytes that the process itself holds; the resident size says more of what the embedded database gave back meanwhile. */
function inUse(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** @param stalled clients that connect and never read */
async function stream(name: string, clients: number, stalled: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-bench-")); // no page is asked for
  const under = await consoleUnderTest(folder);
  await seedIncident(under.store.sql, { id: "inc_bench" });
  const port = Number(new URL(under.address).port);
  const before = inUse();
  const readers = startReaders(port, clients);
  const frozen = await Promise.all(
    Array.from({ length: stalled }, async () => {
      const socket = connect(port, "127.0.0.1");
      await new Promise((resolve) => socket.once("connect", resolve));
      socket.write("GET /api/v1/stream?lastEventId=0 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
      socket.pause();
      return socket;
    }),
  );
  await readers.connected;
  const connected = inUse();
  const cpuBefore = process.cpuUsage();
  const startedAt = Date.now();
  const writes: Promise<void>[] = [];
  for (let n = 0; n < SECONDS * EVENTS_PER_SECOND; n++) {
    // Not waited for: what comes in does not slow down because what goes out is much.
    writes.push(under.store.sql.transaction((tx) => appendEvents(tx, [event()])));
    await pause(Math.max(0, startedAt + ((n + 1) * 1000) / EVENTS_PER_SECOND - Date.now()));
  }
  await Promise.all(writes);
  const seconds = (Date.now() - startedAt) / 1000;
  await pause(1_000);
  const cpu = process.cpuUsage(cpuBefore);
  const { n, p50, p99, max } = await readers.end();
  const facts = { n, clients, stalled, eventsPerSecond: Math.round((SECONDS * EVENTS_PER_SECOND) / seconds) };
  print(name, "delivery p50", p50, "ms", facts);
  print(name, "delivery p99", p99, "ms", { ...facts, target: 250 });
  print(name, "delivery max", max, "ms", facts);
  print(name, "delivered", n / (clients * SECONDS * EVENTS_PER_SECOND), "ratio", facts);
  print(name, "memory per client", (connected - before) / (clients + stalled) / 1024, "KiB", facts);
  print(name, "processor", (cpu.user + cpu.system) / 1e6 / seconds, "cores", facts);
  for (const socket of frozen) socket.destroy();
  await under.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function apiOverMany(): Promise<void> {
  const folder = await bundle();
  const under = await consoleUnderTest(folder);
  const { sql } = under.store;
  await seedStory(sql);
  await sql.query(
    `INSERT INTO incidents (id, scope, title, state, severity, service, started_at, opened_at, last_alert_at, alert_count, closed_at, resolved_at)
     SELECT 'inc_' || n, 'default', 'service-' || (n % 500) || ': HighLatency', CASE WHEN n % 1000 = 0 THEN 'escalated' ELSE 'closed' END,
            (ARRAY['critical', 'warning', 'info'])[1 + n % 3], 'service-' || (n % 500), now() - n * interval '1 minute', now() - n * interval '1 minute',
            now() - n * interval '1 minute', 3, now() - n * interval '1 minute' + interval '5 minutes', now() - n * interval '1 minute' + interval '4 minutes'
       FROM generate_series(1, $1) AS n`,
    [INCIDENTS],
  );
  await sql.query("ANALYZE incidents");
  const first = (await (await fetch(`${under.address}/api/v1/incidents?limit=50`)).json()) as { next: string };
  const paths: Readonly<Record<string, string>> = {
    "first page": "/incidents?limit=50",
    "second page": `/incidents?limit=50&cursor=${first.next}`,
    "open ones": "/incidents?state=open,investigating,mitigating,awaiting-approval,verifying,escalated&limit=50",
    "of a service": "/incidents?service=service-7&limit=50",
    "one in full": "/incidents/inc_story",
    "its events": "/incidents/inc_story/events",
    "like it": "/incidents/inc_story/similar",
    approvals: "/approvals?state=pending",
  };
  for (const [name, path] of Object.entries(paths)) {
    const times: number[] = [];
    for (let n = 0; n < 220; n++) {
      const startedAt = performance.now();
      const answer = await fetch(`${under.address}/api/v1${path}`);
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      if (n >= 20) times.push(performance.now() - startedAt);
    }
    const sorted = times.sort((a, b) => a - b);
    print(`api: ${name}`, "p99", quantile(sorted, 0.99), "ms", {
      n: sorted.length,
      p50: Math.round(quantile(sorted, 0.5) * 100) / 100,
      incidents: INCIDENTS,
      target: 50,
    });
  }
  await under.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function page(): Promise<void> {
  const folder = await bundle();
  const html = readFileSync(join(folder, "index.html"), "utf8");
  const zipped = (name: string) => gzipSync(readFileSync(join(folder, "assets", name)), { level: 9 }).length;
  const files = readdirSync(join(folder, "assets"));
  const first = files.filter((name) => html.includes(name));
  print("bundle", "first page", first.reduce((sum, name) => sum + zipped(name), 0) / 1024, "KiB gzip", {
    files: first.length,
    target: 350,
  });
  print("bundle", "everything", files.reduce((sum, name) => sum + zipped(name), 0) / 1024, "KiB gzip", { files: files.length });

  const under = await consoleUnderTest(folder);
  await seedStory(under.store.sql);
  const browser = await launch();
  for (const [name, path] of [
    ["now", "/"],
    ["incident", "/incidents/inc_story"],
  ] as const) {
    const paints: number[] = [];
    const shown: number[] = [];
    const presses: number[] = [];
    for (let n = 0; n < 7; n++) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
      const tab = await context.newPage();
      await tab.goto(under.address + path);
      await tab.waitForSelector("main h1");
      shown.push(await tab.evaluate<number>("performance.now()"));
      paints.push(await tab.evaluate<number>('performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN'));
      // From a key to the next frame in which what it does is seen.
      presses.push(
        await tab.evaluate<number>(`(async () => {
          const startedAt = performance.now();
          dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true }));
          while (document.querySelector(".palette") === null) await new Promise((resolve) => requestAnimationFrame(resolve));
          await new Promise((resolve) => requestAnimationFrame(resolve));
          return performance.now() - startedAt;
        })()`),
      );
      await context.close();
    }
    const median = (values: number[]) =>
      quantile(
        values.sort((a, b) => a - b),
        0.5,
      );
    print(`page: ${name}`, "first contentful paint", median(paints), "ms", { n: paints.length });
    print(`page: ${name}`, "content shown", median(shown), "ms", { n: shown.length });
    print(`page: ${name}`, "key to frame", median(presses), "ms", { n: presses.length });
  }
  await browser.close();
  await under.stop();
  rmSync(folder, { recursive: true, force: true });
}

const reading = process.argv.indexOf("--read");
if (reading >= 0) await readStreams(Number(process.argv[reading + 1]), Number(process.argv[reading + 2]));
else {
  const [cpu] = cpus();
  process.stdout.write(
    `${JSON.stringify({ suite: "console", machine: { cpu: cpu?.model, cores: cpus().length, memoryGb: Math.round(totalmem() / 1e9) }, node: process.version, store: "embedded:memory", clients: CLIENTS, eventsPerSecond: EVENTS_PER_SECOND, seconds: SECONDS, incidents: INCIDENTS })}\n`,
  );
  // The stream first: what its clients cost shows in a process that has done nothing else.
  if (!without("stream")) {
    await stream("stream: all clients", CLIENTS, 0);
    await stream("stream: with stalled clients", CLIENTS, STALLED);
    await stream("stream: one client", 1, 0);
  }
  if (!without("page")) await page();
  if (!without("api")) await apiOverMany();
}
