// `npm run bench -- stack [--quick]`: every service as its own process on real Kafka, Postgres and Redis. The rate that counts: alerts that
// were acknowledged, correlated and visible over the API, sustained, with nothing left waiting. And what memory each service takes, idle
// and under that load. JSON lines on standard output, progress on standard error.
import { mkdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findProgram } from "@tocsin/testkit";
import { PARTS_PROGRAMS, startParts } from "../test/crash/parts.ts";
import { ROOT, type Supervised, supervise } from "../test/crash/supervised.ts";

const isQuick = process.argv.includes("--quick");
const RATES = isQuick ? [50, 200] : [50, 100, 200, 400, 800, 1_600];
const HOLD_MS = isQuick ? 5_000 : 20_000;
/** A rate holds when what waits at its end is done within this. */
const DRAIN_MS = 3_000;
const PER_POST = 10;
const SERVICES = ["bridge", "correlator", "sre-agent", "executor", "gitlab-sync", "console"] as const;
/** One alert in so many opens an incident of its own, which is looked for over the API. */
const PROBE_EVERY = 50;

const say = (line: object) => process.stdout.write(`${JSON.stringify({ suite: "stack", ...line })}\n`);
const progress = (text: string) => process.stderr.write(`${text}\n`);
const missing = PARTS_PROGRAMS.filter((name) => findProgram(name) === undefined);
if (missing.length > 0) {
  progress(`needs ${missing.join(", ")}`);
  process.exit(2);
}

progress("starting Kafka, Postgres, Redis and the services");
const parts = await startParts();
const logFolder = join(ROOT, ".artifacts", "bench-stack");
mkdirSync(logFolder, { recursive: true });
const services: Supervised[] = [];
for (const service of SERVICES) services.push(await supervise({ service, env: { ...parts.env, TOCSIN_LOG_LEVEL: "warn" }, logFolder }));
for (const service of services) await service.untilReady();
const addressOf = (name: string) => services.find((service) => service.name === name)?.address ?? "";
say({
  machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
  versions: { node: process.version, kafka: "4.1.0" },
  config: { RATES, HOLD_MS, DRAIN_MS, PER_POST, PROBE_EVERY, services: SERVICES, isQuick },
});

/** Resident memory, and the part of it that is the process's own, in MiB. */
function memoryOf({ pid }: Supervised): { rss: number; own: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const of = (key: string) => Math.round(Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0) / 1_024);
  return { rss: of("VmRSS"), own: of("RssAnon") };
}
const tellMemory = (name: string, of: (service: Supervised) => { rss: number; own: number }) => {
  for (const service of services) {
    const { rss, own } = of(service);
    say({ case: name, subject: service.name, metric: "rss", value: rss, unit: "MiB", n: 1 });
    say({ case: name, subject: service.name, metric: "own", value: own, unit: "MiB", n: 1 });
  }
};
await delay(5_000);
tellMemory("memory idle", memoryOf);

let serial = 0;
const run = Date.now().toString(36);
const body = (members: readonly object[]) =>
  JSON.stringify({ version: "4", groupKey: "{}", status: "firing", receiver: "tocsin", alerts: members });
function alert(isProbe: boolean): { readonly member: object; readonly service: string } {
  const n = serial++;
  const service = isProbe ? `probe-${run}-${n}` : `service-${n % 40}`;
  const labels = {
    alertname: "HighLatency",
    service,
    cluster: isProbe ? service : `c${n % 16}`,
    severity: "warning",
    instance: `10.0.${n % 200}.1`,
    serial: `${run}-${n}`,
  };
  return { service, member: { status: "firing", labels, annotations: { summary: "x".repeat(200) }, startsAt: new Date().toISOString() } };
}

async function untilVisible(service: string): Promise<number> {
  const since = performance.now();
  for (;;) {
    const answer = await fetch(`${addressOf("console")}/api/v1/incidents?service=${service}&limit=1`);
    const { items } = (await answer.json()) as { items: unknown[] };
    if (items.length > 0) return performance.now() - since;
    if (performance.now() - since > 60_000) return Number.POSITIVE_INFINITY;
    await delay(10);
  }
}

const correlated = async () => (await parts.rows<{ count: number }>("SELECT count(*)::int AS count FROM alert_transitions"))[0]?.count ?? 0;
const quantile = (values: readonly number[], q: number) => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
};

/** Sends at a rate for a while. @returns what came of it, once nothing waits any more */
async function hold(rate: number) {
  const before = await correlated();
  const visible: Promise<number>[] = [];
  const ackMs: number[] = [];
  const pending = new Set<Promise<void>>();
  const most = new Map(services.map((service) => [service.name, memoryOf(service)]));
  let acknowledged = 0;
  const startedAt = performance.now();
  for (let sent = 0; performance.now() - startedAt < HOLD_MS; ) {
    const made = Array.from({ length: PER_POST }, (_, n) => alert((sent + n) % PROBE_EVERY === 0));
    const postedAt = performance.now();
    const posting = fetch(`${addressOf("bridge")}/webhooks/alertmanager`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: body(made.map(({ member }) => member)),
    }).then(async (answer) => {
      await answer.arrayBuffer();
      if (!answer.ok) return;
      acknowledged += made.length;
      ackMs.push(performance.now() - postedAt);
      for (const { service } of made) if (service.startsWith("probe-")) visible.push(untilVisible(service));
    });
    const tracked: Promise<void> = posting.finally(() => pending.delete(tracked));
    pending.add(tracked);
    sent += PER_POST;
    const dueIn = startedAt + (sent / rate) * 1_000 - performance.now();
    if (dueIn > 0) await delay(dueIn);
    else if (pending.size > 100) await Promise.race(pending);
    if (sent % (PER_POST * 20) === 0)
      for (const service of services) {
        const [now, then] = [memoryOf(service), most.get(service.name)];
        if (!then || now.rss > then.rss) most.set(service.name, now);
      }
  }
  await Promise.all(pending);
  const tookMs = performance.now() - startedAt;
  const stoppedAt = performance.now();
  while ((await correlated()) - before < acknowledged && performance.now() - stoppedAt < 120_000) await delay(50);
  const drainMs = performance.now() - stoppedAt;
  const seen = await Promise.all(visible);
  return { acknowledged, perSecond: acknowledged / (tookMs / 1_000), drainMs, ackMs, seen, most };
}

progress("warming up");
await hold(50);
let best: Awaited<ReturnType<typeof hold>> | undefined;
for (const rate of RATES) {
  progress(`${rate} alerts/s`);
  const result = await hold(rate);
  const name = `${rate} alerts/s offered`;
  const line = (metric: string, value: number, unit: string, n: number) =>
    say({ case: name, subject: "tocsin", metric, value: Math.round(value * 10) / 10, unit, n });
  line("acknowledged", result.perSecond, "alerts/s", result.acknowledged);
  line("ack p99", quantile(result.ackMs, 0.99), "ms", result.ackMs.length);
  line("visible p50", quantile(result.seen, 0.5), "ms", result.seen.length);
  line("visible p99", quantile(result.seen, 0.99), "ms", result.seen.length);
  line("backlog gone after", result.drainMs, "ms", result.acknowledged);
  if (result.drainMs > DRAIN_MS || result.perSecond < rate * 0.9) break;
  best = result;
}
if (best) {
  const { perSecond, acknowledged, most } = best;
  say({
    case: "highest rate that holds",
    subject: "tocsin",
    metric: "rate",
    value: Math.round(perSecond),
    unit: "alerts/s",
    n: acknowledged,
  });
  tellMemory("memory under load", ({ name }) => most.get(name) ?? { rss: 0, own: 0 });
}
for (const service of services) await service.stop();
await parts.stop();
process.exit(0);
