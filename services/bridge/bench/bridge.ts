// `npm run bench -- bridge [--quick] [--profile] [--sizes=1,10]`: durable ingest over HTTP. The bridge as a process of its own on real Kafka and Postgres, beside
// baselines on the same machine in the same run: Alertmanager's own API (memory only) and a bare fastify + kafkajs loop (acks −1), with
// kafkajs as it is released and with the product's patched one.
// Every subject gets the same bodies from the same generator, over the same number of connections, closed loop. JSON lines on standard
// output, progress on standard error. Rounds of the subjects take turns, so that a busy machine hits all of them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import {
  ALERTMANAGER_PROGRAMS,
  findProgram,
  freePort,
  KAFKA_PROGRAMS,
  POSTGRES_PROGRAMS,
  startAlertmanager,
  startKafka,
  startPostgres,
} from "@tocsin/testkit";

const isQuick = process.argv.includes("--quick");
const CONNECTIONS = 16;
const ROUNDS = isQuick ? 1 : 3;
const ROUND_MS = isQuick ? 2_000 : 5_000;
const WARM_UP_MS = isQuick ? 1_000 : 3_000;
/** Alerts in one POST. */
const SIZES = (process.argv.find((flag) => flag.startsWith("--sizes="))?.slice("--sizes=".length) ?? "1,10,100").split(",").map(Number);
const RUN = Date.now().toString(36);

const say = (line: object) => process.stdout.write(`${JSON.stringify({ suite: "bridge", ...line })}\n`);
const progress = (text: string) => process.stderr.write(`${text}\n`);
const missing = [...KAFKA_PROGRAMS, ...POSTGRES_PROGRAMS, ...ALERTMANAGER_PROGRAMS].filter((name) => findProgram(name) === undefined);
if (missing.length > 0) {
  progress(`needs ${missing.join(", ")}`);
  process.exit(2);
}

interface Started {
  readonly url: string;
  readonly pid: number | undefined;
}
interface Subject {
  readonly name: string;
  readonly url: string;
  /** Of a process whose processor time is told: unlike a rate, it says something on a busy machine too. */
  readonly pid?: number | undefined;
  body(serial: number, size: number): string;
}

/** An alert that never came before, of the size that alerts have: 600 bytes. */
const alertOf = (serial: number, n: number) => ({
  labels: {
    alertname: "HighLatency",
    cluster: `c${serial % 16}`,
    service: `service-${serial % 50}`,
    severity: "warning",
    instance: `10.0.${serial % 200}.${n}:9100`,
    run: RUN,
    serial: `${serial}-${n}`,
  },
  annotations: { summary: "p95 latency is above 500 ms", description: "x".repeat(150), runbook_url: "https://runbooks.example/latency" },
  startsAt: new Date().toISOString(),
  endsAt: new Date(Date.now() + 3_600_000).toISOString(),
  generatorURL: "http://prometheus.example:9090/graph?g0.expr=histogram_quantile(0.95)",
});
const alertsOf = (serial: number, size: number) => Array.from({ length: size }, (_, n) => alertOf(serial, n));
const webhookBody = (serial: number, size: number) =>
  JSON.stringify({
    version: "4",
    groupKey: `{}:{serial="${serial}"}`,
    truncatedAlerts: 0,
    status: "firing",
    receiver: "tocsin",
    groupLabels: {},
    commonLabels: {},
    commonAnnotations: {},
    externalURL: "http://alertmanager.example:9093",
    alerts: alertsOf(serial, size).map((alert) => ({ ...alert, status: "firing", endsAt: "0001-01-01T00:00:00Z", fingerprint: "" })),
  });

let serial = 0;
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

function post(url: string, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method: "POST", agent, headers: { "content-type": "application/json", "content-length": body.length } },
      (answer) => {
        answer.resume();
        answer.on("end", () => resolve(answer.statusCode ?? 0));
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

interface Measured {
  posts: number;
  ms: number;
  cpuMs: number;
  readonly took: number[];
}

/** Processor time of a process so far in milliseconds, its threads and system calls included; 0 where there is no /proc. */
function cpuMsOf(pid: number | undefined): number {
  try {
    const ticks = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ").slice(11, 13).map(Number);
    return (ticks ?? []).reduce((sum, each) => sum + each, 0) * 10; // a tick is a hundredth of a second
  } catch {
    return 0;
  }
}

/** Each connection sends its next delivery when the last was answered. What is sent is made before the time is taken. */
async function drive({ url, body, name, pid }: Subject, size: number, forMs: number, into: Measured): Promise<void> {
  let spent = 0;
  while (spent < forMs) {
    const bodies = Array.from({ length: Math.max(64, Math.ceil(2_000 / size)) }, () => Buffer.from(body(serial++, size)));
    const cpuBefore = cpuMsOf(pid);
    const startedAt = performance.now();
    const worker = async () => {
      for (let next = bodies.pop(); next !== undefined; next = bodies.pop()) {
        const sentAt = performance.now();
        const status = await post(url, next);
        if (status >= 300) throw new Error(`${name} answered ${status}`);
        into.took.push(performance.now() - sentAt);
        into.posts++;
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, worker));
    spent += performance.now() - startedAt;
    into.cpuMs += cpuMsOf(pid) - cpuBefore;
  }
  into.ms += spent;
}

const quantile = (sorted: readonly number[], q: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
const rounded = (value: number) => Math.round(value * 100) / 100;

progress("starting Kafka, Postgres, Alertmanager");
const [kafka, postgres, alertmanager] = await Promise.all([
  startKafka(),
  startPostgres({ fsync: "on" }),
  startAlertmanager("route: { receiver: none }\nreceivers: [{ name: none }]\n"),
]);
const { versionInfo } = (await (await fetch(`${alertmanager.url}/api/v2/status`)).json()) as { versionInfo: { version: string } };
const alertmanagerVersion = versionInfo.version;
const broker = `127.0.0.1:${kafka.port}`;
const children: ReturnType<typeof spawn>[] = [];
interface StartOptions {
  readonly path: string;
  readonly flags?: readonly string[];
  readonly args?: readonly string[];
}
async function startNode(script: URL, env: Record<string, string>, { path, flags = [], args = [] }: StartOptions): Promise<Started> {
  const port = await freePort();
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...flags, fileURLToPath(script), ...args], {
    env: { PATH: process.env["PATH"] ?? "", TOCSIN_LOG_LEVEL: "error", ...env, TOCSIN_PORT: String(port) },
    stdio: ["ignore", "inherit", "inherit"],
  });
  children.push(child);
  const url = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(url + path).then(
      (answer) => answer.ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error(`${script} ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url, pid: child.pid };
}
const bridge = await startNode(
  new URL("../src/main.ts", import.meta.url),
  { TOCSIN_BUS_URL: `kafka://${broker}?prefix=bench.`, TOCSIN_STORE_URL: await postgres.createDatabase("bench") },
  { path: "/readyz", flags: process.argv.includes("--profile") ? ["--cpu-prof", "--cpu-prof-dir=.artifacts"] : [] },
);
const bareLoop = new URL("./load/bare-loop.ts", import.meta.url);
const bare = await startNode(bareLoop, { BROKER: broker }, { path: "/livez" });
const released = await startNode(bareLoop, { BROKER: broker }, { path: "/livez", args: ["--released"] });

const subjects: Subject[] = [
  { name: "tocsin", url: `${bridge.url}/webhooks/alertmanager`, pid: bridge.pid, body: webhookBody },
  { name: "alertmanager", url: `${alertmanager.url}/api/v2/alerts`, body: (n, size) => JSON.stringify(alertsOf(n, size)) },
  { name: "fastify+kafkajs", url: `${released.url}/alerts`, pid: released.pid, body: webhookBody },
  { name: "fastify+kafkajs, patched", url: `${bare.url}/alerts`, pid: bare.pid, body: webhookBody },
];
say({
  machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
  versions: { node: process.version, kafka: "4.1.0", alertmanager: alertmanagerVersion },
  config: { CONNECTIONS, ROUNDS, ROUND_MS, acks: -1, alertBytes: JSON.stringify(alertOf(1, 1)).length, isQuick },
});

for (const size of SIZES) {
  const measured = new Map(subjects.map(({ name }) => [name, { posts: 0, ms: 0, cpuMs: 0, took: [] } as Measured]));
  for (const subject of subjects) await drive(subject, size, WARM_UP_MS, { posts: 0, ms: 0, cpuMs: 0, took: [] });
  for (let round = 1; round <= ROUNDS; round++)
    for (const subject of subjects) {
      progress(`${size} a POST, round ${round}: ${subject.name}`);
      await drive(subject, size, ROUND_MS, measured.get(subject.name) as Measured);
    }
  for (const [subject, { posts, ms, cpuMs, took }] of measured) {
    took.sort((a, b) => a - b);
    const line = (metric: string, value: number, unit: string) =>
      say({ case: `${size} a POST`, subject, metric, value: rounded(value), unit, n: posts });
    line("rate", (posts * size) / (ms / 1_000), "alerts/s");
    line("p50", quantile(took, 0.5), "ms");
    line("p99", quantile(took, 0.99), "ms");
    if (cpuMs > 0) line("cpu", (cpuMs * 1_000) / (posts * size), "µs/alert");
  }
}

agent.destroy();
for (const child of children) {
  child.kill("SIGTERM");
  if (child.exitCode === null) await once(child, "exit");
}
await Promise.all([kafka.stop(), postgres.stop(), alertmanager.stop()]);
