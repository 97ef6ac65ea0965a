// npm run bench -- executor: how fast it is decided whether a run may begin, and how long a restart of a real container takes from request to
// verified event, beside `docker restart` alone. JSON lines. The Docker part needs dockerd, docker and busybox and is skipped without.
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { DEFAULT_POLICY, decide, indexRunbooks, matchRunbooks, type PolicyFacts, planWith, type RunFacts } from "@tocsin/runbooks";
import { silentLogger, systemClock } from "@tocsin/runtime";
import { insertRequestedRun, openStore, type Store } from "@tocsin/store";
import { openTargets } from "@tocsin/targets";
import { findProgram, importBusybox, startDockerd } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { createMetrics } from "../src/metrics.ts";
import { createRedButton } from "../src/red-button.ts";
import { openLibrary } from "../src/runbook-library.ts";
import { LOCK_LEASE_MS, type WorkOptions, workRun } from "../src/work-run.ts";
import { fakeSignals } from "../test/support/fake-signals.ts";
import { aTarget, fakeTargets } from "../test/support/fake-targets.ts";

const print = (line: object) => process.stdout.write(`${JSON.stringify({ suite: "executor", ...line })}\n`);
const quantile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return Number((sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number).toFixed(3));
};
const report = (name: string, subject: string, values: readonly number[]) => {
  for (const [metric, q] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const)
    print({ case: name, subject, metric, value: quantile(values, q), unit: "ms", n: values.length });
};
const timed = async (times: number, work: (n: number) => unknown): Promise<number[]> => {
  const values: number[] = [];
  for (let n = 0; n < times; n++) {
    const beganAt = performance.now();
    await work(n);
    values.push(performance.now() - beganAt);
  }
  return values;
};

const folder = fileURLToPath(new URL("../../../runbooks", import.meta.url));
const library = await openLibrary(folder, silentLogger);
const restart = library.find("memory-leak-restart");
if (!restart) throw new Error("the library has no memory-leak-restart");
print({
  machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
  node: process.version,
  configuration: `shipped policy, ${library.runbooks.length} runbooks, 500 past runs`,
});

/** Decision, match and plan: pure, no I/O. */
async function pure(): Promise<void> {
  const now = Date.now();
  const runs: RunFacts[] = Array.from({ length: 500 }, (_, n) => ({
    id: `run_${n}`,
    runbook: n % 3 === 0 ? "memory-leak-restart" : "hung-restart",
    state: "succeeded",
    startedAt: now - 7_200_000 - n * 600_000,
    finishedAt: now - 7_190_000 - n * 600_000,
    targets: [`svc-${n % 40}`],
    regressed: false,
  }));
  const plan = planWith(restart as NonNullable<typeof restart>, { service: "payments" });
  if (plan.kind === "refused") throw new Error(plan.reason);
  const facts: PolicyFacts = {
    now,
    environment: "lab",
    severity: "critical",
    incidentState: "mitigating",
    runId: "run_now",
    plan,
    matched: "rule",
    targets: [
      {
        id: "payments",
        known: true,
        managed: true,
        replicas: { total: 1, healthy: 1 },
        taken: 1,
        hasPrevious: true,
        lastSampleAt: now,
        broken: true,
      },
    ],
    redButton: { on: false, reason: "" },
    runs,
    incidentsInFiveMinutes: 1,
  };
  await timed(2_000, () => decide(facts, DEFAULT_POLICY));
  report("decide", "tocsin", await timed(20_000, () => decide(facts, DEFAULT_POLICY)));
  const texts = indexRunbooks(library.runbooks);
  const situation = {
    members: [
      { name: "HighMemory", service: "payments", severity: "critical", labels: {}, annotations: {}, role: "root", status: "firing" },
    ],
    cause: { service: "payments", kind: "resource", text: "memory of payments climbs" },
  } as const;
  report("match", "tocsin", await timed(2_000, () => matchRunbooks(library.runbooks, situation, texts)));
  report("plan", "tocsin", await timed(5_000, () => planWith(restart as NonNullable<typeof restart>, { service: "payments" })));
}

async function incident(store: Store, id: string, service: string, kind: string, text: string): Promise<void> {
  const cause = { service, kind, score: 1, confidence: 1, text, evidence: [] };
  await store.sql.query(
    `INSERT INTO incidents (id, scope, title, state, severity, service, started_at, opened_at, last_alert_at, verdict, diagnosis)
     VALUES ($1, 'default', 'x', 'mitigating', 'critical', $2, now(), now() - interval '1 hour', now(), 'cause', $3::jsonb)`,
    [id, service, JSON.stringify({ causes: [cause], evidence: [] })],
  );
}

const optionsOf = (store: Store, more: Pick<WorkOptions, "targets" | "signals" | "library">): WorkOptions => ({
  sql: store.sql,
  jobs: { send: async () => {}, work: async () => async () => {} },
  clock: systemClock,
  log: silentLogger,
  metrics: createMetrics(new Registry()),
  policy: {
    ...DEFAULT_POLICY,
    environments: { lab: { autonomy: "L3", limits: { perServicePerHour: 1_000, globalPerHour: 10_000, cooldownSeconds: [0.001] } } },
  },
  redButton: createRedButton({ sql: store.sql, clock: systemClock, pressedByConfig: false, file: undefined }),
  environment: "lab",
  approvalMinutes: 60,
  maxWaitSeconds: 60,
  lockLeaseMs: LOCK_LEASE_MS,
  httpOrigins: [],
  verifyIntervalMs: 50,
  preconditionMs: 2_000,
  fetch,
  ...more,
});

async function request(store: Store, id: string, incidentId: string, service: string, book: NonNullable<typeof restart>): Promise<void> {
  const plan = planWith(book, { service });
  if (plan.kind === "refused") throw new Error(plan.reason);
  await store.sql.transaction((tx) =>
    insertRequestedRun(tx, {
      id,
      incidentId,
      runbook: book.id,
      title: book.title,
      digest: plan.digest,
      parameters: plan.parameters,
      requestedBy: "bench",
      text: "x",
    }),
  );
}

/** A whole run that only looks, over PGlite: admission, journal, events; what Tocsin itself adds to any act. */
async function wholeRun(store: Store): Promise<void> {
  const targets = fakeTargets(aTarget("payments"));
  const signals = fakeSignals(systemClock, Date.now() / 1_000);
  const look = library.find("diagnose");
  if (!look) throw new Error("the library has no diagnose");
  const options = optionsOf(store, { targets, signals, library });
  await incident(store, "inc_look", "payments", "external", "the provider is down");
  const signal = new AbortController().signal;
  const values = await timed(60, async (n) => {
    await request(store, `run_look_${n}`, "inc_look", "payments", look);
    await workRun(options, { data: { runId: `run_look_${n}` }, signal });
  });
  report("request → finished, two steps that look", "tocsin", values.slice(10));
}

/** The same restart by `docker restart` and by the executor, its soak time left out (100 ms). */
async function realRestart(store: Store): Promise<void> {
  if (["dockerd", "docker", "busybox"].some((name) => findProgram(name) === undefined)) {
    print({ case: "restart", skipped: "no dockerd, docker or busybox" });
    return;
  }
  const daemon = await startDockerd();
  const docker = (...args: string[]) =>
    execFileSync("docker", ["-H", `unix://${daemon.socketPath}`, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  const targets = await openTargets({ url: `docker://${daemon.socketPath}`, labUrl: "http://127.0.0.1:1", log: silentLogger });
  const service = "tocsin-bench";
  try {
    await importBusybox(daemon.socketPath, {
      name: `${service}:1`,
      changes: [`CMD ${JSON.stringify(["sh", "-c", 'trap "exit 0" TERM; while :; do sleep 0.1; done'])}`],
    });
    docker(
      "run",
      "-d",
      "--name",
      `${service}-1`,
      "--network",
      "none",
      "--label",
      "tocsin.managed=true",
      "--label",
      `tocsin.service=${service}`,
      `${service}:1`,
    );
    report("restart", "docker restart", await timed(8, () => docker("restart", `${service}-1`)));

    const signals = fakeSignals(systemClock, Date.now() / 1_000);
    const hung = library.find("hung-restart");
    if (!hung) throw new Error("the library has no hung-restart");
    const quick = {
      ...hung,
      steps: hung.steps.flatMap((step) =>
        step.verb === "target.restart"
          ? [{ ...step, precondition: [], verify: { checks: step.verify?.checks ?? [], soak: "100ms", within: "30s" } }]
          : [],
      ),
    };
    let isRestarted = false;
    const watched = {
      ...targets,
      restart: async (...args: Parameters<typeof targets.restart>) => {
        const result = await targets.restart(...args);
        isRestarted = true;
        return result;
      },
    };
    signals.now = () => (isRestarted ? { up: 1, error_ratio: 0 } : { up: 0 });
    const options = optionsOf(store, { targets: watched, signals, library: { ...library, find: () => quick } });
    await incident(store, "inc_docker", service, "hang", `${service} does not answer`);
    const signal = new AbortController().signal;
    const values = await timed(8, async (n) => {
      isRestarted = false;
      await request(store, `run_docker_${n}`, "inc_docker", service, quick);
      await workRun(options, { data: { runId: `run_docker_${n}` }, signal });
    });
    const { rows } = await store.sql.query<{ state: string; reason: string }>(
      "SELECT state, reason FROM runs WHERE id LIKE 'run_docker_%'",
    );
    const wrong = rows.find((row) => row.state !== "succeeded");
    if (wrong) throw new Error(`a run ended as ${wrong.state}: ${wrong.reason}`);
    report("restart", "tocsin, request → verified (soak 100 ms)", values);
  } finally {
    docker("rm", "-f", `${service}-1`);
    docker("rmi", "-f", `${service}:1`);
    await targets.close();
    await daemon.stop();
  }
}

await pure();
const store = await openStore({ url: "embedded:memory", log: silentLogger });
await wholeRun(store);
await realRestart(store);
await store.close();
