// `npm run bench -- e2e [--drills | --memory] [--quick]`: the platform as a user runs it, measured from outside over HTTP. JSON lines on standard
// output, progress on standard error.
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { freePort } from "@tocsin/testkit";
import { type RunningPlatform, startPlatform } from "./process/platform-process.ts";

const { values: options } = parseArgs({
  options: { drills: { type: "boolean" }, memory: { type: "boolean" }, quick: { type: "boolean" } },
});
const line = (fields: Record<string, unknown>) =>
  process.stdout.write(`${JSON.stringify({ suite: "e2e", subject: "tocsin", ...fields })}\n`);
const say = (text: string) => process.stderr.write(`${text}\n`);

/** Nearest-rank percentile of unsorted values. */
function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN;
}
const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits));
function report(metric: string, case_: string, unit: string, values: readonly number[], more: Record<string, unknown> = {}): void {
  line({
    case: case_,
    metric,
    unit,
    n: values.length,
    value: rounded(percentile(values, 50)),
    p99: rounded(percentile(values, 99)),
    max: rounded(Math.max(...values)),
    ...more,
  });
}

process.stdout.write(
  `${JSON.stringify({ suite: "e2e", machine: `${cpus().length} x ${cpus()[0]?.model ?? "?"}`, memoryGiB: rounded(totalmem() / 2 ** 30), node: process.version, configuration: "embedded: PGlite, embedded bus, memory cache" })}\n`,
);

const folder = mkdtempSync(join(tmpdir(), "tocsin-bench-"));
let number = 0;
async function withPlatform<T>(
  env: Record<string, string>,
  work: (platform: RunningPlatform) => Promise<T>,
  store = join(folder, `store-${number++}`),
): Promise<T> {
  const platform = await startPlatform({
    TOCSIN_STORE_URL: `embedded:${store}`,
    TOCSIN_PORT: String(await freePort()),
    TOCSIN_LAB_PORT: String(await freePort()),
    ...env,
  });
  try {
    return await work(platform);
  } finally {
    await platform.stop();
  }
}

async function start(): Promise<void> {
  const rounds = options.quick ? 2 : 5;
  for (const [case_, reuse] of [
    ["new data", false],
    ["data there already", true],
  ] as const) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const store = reuse ? join(folder, "store-kept") : join(folder, `store-start-${round}`);
      times.push(await withPlatform({}, async (platform) => platform.readyMs, store));
      say(`start, ${case_}: ${Math.round(times.at(-1) as number)} ms`);
    }
    report("time to ready", case_, "ms", times);
  }
}

async function memory(): Promise<void> {
  for (const [case_, env] of [
    ["with the lab", {}],
    ["without the lab", { TOCSIN_TARGETS_URL: "none:", TOCSIN_METRICS_URL: "none:", TOCSIN_LOGS_URL: "none:", TOCSIN_TRACES_URL: "none:" }],
  ] as const) {
    await withPlatform(env, async (platform) => {
      await delay(20_000); // what settles, settles
      line({ case: `${case_}, 20 s after start`, metric: "resident memory", unit: "MiB", n: 1, value: platform.residentMiB() });
      await send(platform, { alertsPerSecond: 500, seconds: 20, perPost: 10 });
      line({ case: `${case_}, after 10,000 alerts`, metric: "resident memory", unit: "MiB", n: 1, value: platform.residentMiB() });
    });
  }
}

interface Load {
  readonly alertsPerSecond: number;
  readonly seconds: number;
  readonly perPost: number;
}

/** One alert in fifty is a new incident of its own, as in a real stream most are repeats: the others are new transitions of what fires already. */
const UNIQUE_SHARE = 50;

/** Posts at a fixed rate, whether or not answers come in time. @returns when each unique service's post was answered with 202 */
async function send(platform: RunningPlatform, { alertsPerSecond, seconds, perPost }: Load): Promise<Map<string, number>> {
  const acceptedAt = new Map<string, number>();
  const posts = Math.ceil((alertsPerSecond * seconds) / perPost);
  const everyMs = (1_000 * perPost) / alertsPerSecond;
  const run = Math.random().toString(36).slice(2, 8);
  const startedAt = performance.now();
  const underway: Promise<void>[] = [];
  let count = 0;
  for (let post = 0; post < posts; post++) {
    const wait = startedAt + post * everyMs - performance.now();
    if (wait > 0) await delay(wait);
    const unique: string[] = [];
    const alerts = Array.from({ length: perPost }, () => {
      const n = count++;
      const isUnique = alertsPerSecond < 50 || n % UNIQUE_SHARE === 0;
      const service = isUnique ? `bench-${run}-${n}` : `bench-${run}-${n - (n % UNIQUE_SHARE)}`;
      if (isUnique) unique.push(service);
      return alertOf(service, isUnique ? 0 : n);
    });
    underway.push(
      platform
        .post("/webhooks/alertmanager", {
          version: "4",
          groupKey: `{}:{post="${post}"}`,
          status: "firing",
          receiver: "bench",
          groupLabels: {},
          commonLabels: {},
          commonAnnotations: {},
          externalURL: "http://bench",
          truncatedAlerts: 0,
          alerts,
        })
        .then((status) => {
          if (status !== 202) throw new Error(`the bridge answered ${status}`);
          const at = performance.now();
          for (const service of unique) acceptedAt.set(service, at);
        }),
    );
  }
  await Promise.all(underway);
  return acceptedAt;
}

const alertOf = (service: string, replica: number) => ({
  status: "firing",
  labels: {
    alertname: `Bench${service.replaceAll("-", "")}`,
    service,
    severity: "warning",
    ...(replica === 0 ? {} : { replica: String(replica) }),
  },
  annotations: { summary: `bench alert of ${service}` },
  startsAt: new Date().toISOString(),
  endsAt: "0001-01-01T00:00:00Z",
  generatorURL: "",
});

/** Accepted → visible: the list of incidents is asked every few milliseconds until the incident of each unique service is in it. */
async function visible(): Promise<void> {
  for (const [alertsPerSecond, perPost, seconds] of options.quick
    ? ([
        [1, 1, 10],
        [100, 10, 10],
      ] as const)
    : ([
        [1, 1, 60],
        [100, 10, 30],
        [1_000, 10, 20],
      ] as const)) {
    await withPlatform(
      { TOCSIN_TARGETS_URL: "none:", TOCSIN_METRICS_URL: "none:", TOCSIN_LOGS_URL: "none:", TOCSIN_TRACES_URL: "none:" },
      async (platform) => {
        await delay(3_000);
        const seenAt = new Map<string, number>();
        let isOver = false;
        const watching = (async () => {
          while (!isOver) {
            const list = await platform.get<{ items: { service?: string }[] }>("/api/v1/incidents?limit=200");
            const at = performance.now();
            for (const { service } of list.items) if (service !== undefined && !seenAt.has(service)) seenAt.set(service, at);
            await delay(5);
          }
        })();
        const acceptedAt = await send(platform, { alertsPerSecond, seconds, perPost });
        const deadline = performance.now() + 60_000;
        while (performance.now() < deadline && [...acceptedAt.keys()].some((service) => !seenAt.has(service))) await delay(20);
        isOver = true;
        await watching;
        const latencies = [...acceptedAt].flatMap(([service, at]) =>
          seenAt.has(service) ? [Math.max(0, (seenAt.get(service) as number) - at)] : [],
        );
        report("webhook accepted to incident visible", `${alertsPerSecond} alerts/s`, "ms", latencies, {
          missing: acceptedAt.size - latencies.length,
        });
      },
    );
  }
}

async function drills(): Promise<void> {
  await withPlatform({}, async (platform) => {
    await delay(30_000); // a baseline to compare with
    for (const [fault, target] of [
      ["memory-leak", "payments"],
      ["crash-loop", "inventory"],
      ["error-burst", "catalog"],
      ["latency", "inventory"],
      ["hang", "payments"],
      ["cpu-spin", "cart"],
    ]) {
      const drill = await platform.postJson<{ id: string }>("/api/v1/drills", { fault, target, seconds: 300 });
      for (;;) {
        const view = await platform.get<{
          state: string;
          at: Record<string, string>;
          cause: { right: boolean; found?: string };
          action: { right: boolean };
          reason?: string;
        }>(`/api/v1/drills/${drill.id}`);
        if (view.state === "running") {
          await delay(500);
          continue;
        }
        const seconds = (mark: string) =>
          view.at[mark] === undefined ? null : rounded((Date.parse(view.at[mark]) - Date.parse(view.at["injected"] as string)) / 1_000);
        line({
          case: fault,
          metric: "drill to closed",
          unit: "s",
          n: 1,
          value: seconds("closed"),
          target,
          state: view.state,
          fired: seconds("fired"),
          incident: seconds("incident"),
          cause: seconds("cause"),
          action: seconds("action"),
          verified: seconds("verified"),
          rightCause: view.cause.right,
          rightAction: view.action.right,
          ...(view.reason === undefined ? {} : { reason: view.reason }),
        });
        break;
      }
      await delay(20_000);
    }
  });
}

try {
  if (options.drills) await drills();
  else if (options.memory) await memory();
  else {
    await start();
    await memory();
    await visible();
    if (!options.quick) await drills();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
