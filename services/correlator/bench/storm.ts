// `npm run bench -- storm [a|b|c] [pglite|postgres]`: 100,000 alerts of 2,000 incidents against the bridge and the correlator as a process of its
// own, over HTTP: (a) 1,000 posts × 100, (b) 10,000 groups × 10, (c) 100,000 posts × 1. Everything has to be acknowledged, or refused with 503 and
// then taken; afterwards the store is counted. TOCSIN_BENCH_ALERTS makes it smaller.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { silentLogger } from "@tocsin/runtime";
import { openStore } from "@tocsin/store";
import { findProgram, freePort, POSTGRES_PROGRAMS, startPostgres, startProcess } from "@tocsin/testkit";
import { labelsOf, machine, progress, say, servicesOf } from "./load/workload.ts";

const ALERTS = Number(process.env["TOCSIN_BENCH_ALERTS"] ?? 100_000);
const CONNECTIONS = 32;
/** As the stack and the images start it; TOCSIN_BENCH_NODE_ARGS adds to them. */
const NODE_ARGS = [
  ...["--disable-warning=ExperimentalWarning", "--max-semi-space-size=2", "--heap-growing-percent=40"],
  ...(process.env["TOCSIN_BENCH_NODE_ARGS"] ?? "").split(" ").filter(Boolean),
];
const PLATFORM = fileURLToPath(new URL("../../platform/src/main.ts", import.meta.url));
const SHAPES = { a: 100, b: 10, c: 1 } as const;
type Shape = keyof typeof SHAPES;

/** Bodies as Alertmanager sends them; (b) sends a group for each ten alerts of one service. */
function bodiesOf(shape: Shape, startMs: number): string[] {
  const services = servicesOf(ALERTS);
  const perPost = SHAPES[shape];
  const bodies: string[] = [];
  for (let from = 0; from < ALERTS; from += perPost) {
    const alerts = Array.from({ length: Math.min(perPost, ALERTS - from) }, (_, i) => {
      const position = from + i;
      // In (b) the ten of a group are of one service, round after round; in (a) and (c) they come mixed.
      const group = Math.floor(position / 10);
      const n = shape === "b" ? (group % services) + services * (Math.floor(group / services) * 10 + (position % 10)) : position;
      const { labels } = labelsOf(n, services);
      return {
        status: "firing",
        labels,
        annotations: { description: `${labels["alertname"]} on ${labels["pod"]} for 5m: 12.5 %` },
        startsAt: new Date(startMs + Math.floor(n / services) * 500).toISOString(),
        endsAt: "0001-01-01T00:00:00Z",
        generatorURL: "http://prometheus:9090/graph",
      };
    });
    const groupKey = shape === "b" ? `{}:{service="${alerts[0]?.labels["service"]}"}` : "{}:{}";
    bodies.push(
      JSON.stringify({
        version: "4",
        groupKey,
        truncatedAlerts: 0,
        receiver: "tocsin",
        status: "firing",
        groupLabels: {},
        commonLabels: {},
        commonAnnotations: {},
        externalURL: "http://alertmanager:9093",
        alerts,
      }),
    );
  }
  return bodies;
}

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
const post = (port: number, body: string): Promise<{ status: number; accepted: number }> =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      {
        agent,
        port,
        host: "127.0.0.1",
        method: "POST",
        path: "/webhooks/alertmanager",
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      },
      (answer) => {
        let text = "";
        answer.on("data", (chunk) => (text += chunk));
        answer.on("end", () => {
          const status = answer.statusCode ?? 0;
          const receipt = status === 202 ? (JSON.parse(text) as { accepted: number; duplicates: number }) : { accepted: 0, duplicates: 0 };
          resolve({ status, accepted: receipt.accepted + receipt.duplicates });
        });
      },
    );
    outgoing.once("error", reject);
    outgoing.end(body);
  });

async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

/** User and system, in seconds; the kernel counts in hundredths. */
async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function storm(shape: Shape, subject: string, storeUrl: string): Promise<void> {
  const port = await freePort();
  const name = `${shape}: ${ALERTS / SHAPES[shape]} posts x ${SHAPES[shape]}`;
  const tell = (metric: string, value: number, unit: string, more: object = {}) =>
    say({ suite: "storm", case: name, subject, metric, value: Math.round(value * 10) / 10, unit, n: ALERTS, ...more });
  const env = {
    ...process.env,
    TOCSIN_MODULES: "bridge,correlator",
    TOCSIN_PORT: String(port),
    TOCSIN_STORE_URL: storeUrl,
    TOCSIN_METRICS_URL: "none:",
    TOCSIN_LOGS_URL: "none:",
    TOCSIN_TRACES_URL: "none:",
    TOCSIN_LOG_LEVEL: "error",
    TOCSIN_BRIDGE_RATE_PER_MINUTE: "10000000",
  };
  const ready = async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  const platform = await startProcess(process.execPath, [...NODE_ARGS, PLATFORM], ready, {
    env,
    timeoutMs: 120_000,
  });
  let peak = 0;
  const pid = platform.child.pid as number;
  const watching = setInterval(() => void residentMiB(pid).then((now) => (peak = Math.max(peak, now))), 250);
  try {
    const idle = await residentMiB(pid);
    const processorBefore = await processorSeconds(pid);
    const startMs = Date.now() - 60_000;
    const bodies = bodiesOf(shape, startMs);
    const startedAt = performance.now();
    const wallStart = Date.now();
    const latencies: number[] = [];
    let [next, acknowledged, refused, failed] = [0, 0, 0, 0];
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        while (next < bodies.length) {
          const body = bodies[next++] as string;
          for (;;) {
            const before = performance.now();
            const { status, accepted } = await post(port, body).catch(() => ({ status: 0, accepted: 0 }));
            if (status === 202) {
              latencies.push(performance.now() - before);
              acknowledged += accepted;
              break;
            }
            if (status === 503) refused++;
            else failed++;
            await delay(250);
          }
        }
      }),
    );
    const sentMs = performance.now() - startedAt;
    latencies.sort((a, b) => a - b);
    tell("acknowledged", acknowledged, "alerts", { expected: ALERTS });
    tell("refused with 503, then taken", refused, "posts");
    tell("other answers", failed, "posts", { expected: 0 });
    tell("accept p50", latencies[Math.floor(latencies.length * 0.5)] ?? 0, "ms");
    tell("accept p99", latencies[Math.floor(latencies.length * 0.99)] ?? 0, "ms");
    tell("accepted within", sentMs / 1_000, "s");
    const handled = async (): Promise<number> => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return [...text.matchAll(/^tocsin_correlator_alerts_total\{[^}]*\} (\d+)/gm)].reduce((sum, [, value]) => sum + Number(value), 0);
    };
    let lastProgress = performance.now();
    for (let before = -1; ; ) {
      const now = await handled();
      if (now >= ALERTS) break;
      if (now !== before) lastProgress = performance.now();
      else if (performance.now() - lastProgress > 60_000) throw new Error(`stuck at ${now} alerts:\n${platform.output()}`);
      before = now;
      await delay(250);
    }
    tell("drained within", (performance.now() - startedAt) / 1_000, "s", { since: "first post" });
    tell("drained after the last acknowledgement", (performance.now() - startedAt - sentMs) / 1_000, "s");
    tell("processor time", (await processorSeconds(pid)) - processorBefore, "s");
    tell("resident memory, peak", peak, "MiB", { idle: Math.round(idle) });
    const stormMode = (await (await fetch(`http://127.0.0.1:${port}/api/v1/storm`)).json()) as { on: boolean };
    tell("storm mode", stormMode.on ? 1 : 0, "0 or 1", { expected: 1 });
    await platform.stop();
    const store = await openStore({ url: storeUrl, log: silentLogger });
    try {
      const { rows } = await store.sql.query<{ incidents: number; transitions: number; members: number; critical: number; last: number }>(
        `SELECT (SELECT count(*) FROM incidents WHERE merged_into IS NULL) AS incidents, (SELECT count(*) FROM alert_transitions) AS transitions,
                (SELECT count(*) FROM incident_members) AS members,
                (SELECT extract(epoch FROM max(opened_at)) * 1000 FROM incidents WHERE severity = 'critical')::float8 AS critical,
                (SELECT extract(epoch FROM max(opened_at)) * 1000 FROM incidents)::float8 AS last`,
      );
      const [row] = rows;
      tell("incidents", row?.incidents ?? 0, "incidents", { expected: servicesOf(ALERTS) });
      tell("transitions stored", row?.transitions ?? 0, "rows", { expected: ALERTS });
      tell("last critical incident opened", ((row?.critical ?? 0) - wallStart) / 1_000, "s");
      tell("last incident opened", ((row?.last ?? 0) - wallStart) / 1_000, "s");
    } finally {
      await store.close();
    }
  } finally {
    clearInterval(watching);
    await platform.stop();
  }
}

const shapes = (Object.keys(SHAPES) as Shape[]).filter(
  (shape) => !process.argv[2] || process.argv[2] === "all" || process.argv[2] === shape,
);
const only = process.argv[3];
machine("storm", { alerts: ALERTS, connections: CONNECTIONS, modules: "bridge,correlator in one process" });
for (const shape of only === "postgres" ? [] : shapes) {
  progress(`${shape} on PGlite`);
  const folder = await mkdtemp(join(tmpdir(), "tocsin-storm-"));
  try {
    await storm(shape, "tocsin on PGlite", `embedded:${join(folder, "store")}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
if (only !== "pglite" && POSTGRES_PROGRAMS.every((program) => findProgram(program) !== undefined)) {
  const postgres = await startPostgres({ fsync: "on" });
  try {
    for (const shape of shapes) {
      progress(`${shape} on Postgres`);
      await storm(shape, "tocsin on Postgres", await postgres.createDatabase(`storm_${shape}`));
    }
  } finally {
    await postgres.stop();
  }
}
agent.destroy();
