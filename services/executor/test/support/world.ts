import type { Cause, Evidence } from "@tocsin/contracts";
import { DEFAULT_POLICY, indexRunbooks, type PolicyConfig, parseRunbook, planWith, type Runbook, type RunPlan } from "@tocsin/runbooks";
import { isoTime, silentLogger } from "@tocsin/runtime";
import { findRun, insertRequestedRun, type NewJob, openStore, type RunRow, type Store } from "@tocsin/store";
import { type FakeClock, fakeClock } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { afterAll } from "vitest";
import { createMetrics } from "../../src/metrics.ts";
import { createRedButton } from "../../src/red-button.ts";
import { LOCK_LEASE_MS, type WorkOptions, workRun } from "../../src/work-run.ts";
import { type FakeSignals, fakeSignals } from "./fake-signals.ts";
import { aTarget, type FakeTargets, fakeTargets } from "./fake-targets.ts";

const START = "2026-01-01T12:00:00.000Z";

/** A runbook's text from its steps; acts on `{{service}}` for a cause of kind resource. */
export const runbookText = (id: string, steps: readonly string[], front = ""): string => `---
id: ${id}
title: The runbook ${id}
matches:
  causes: [resource]
parameters:
  service:
    type: name
    pattern: ^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$
    origin: cause.service
risk: low
autonomy: L3
${front.includes("tags:") ? "" : "tags: [mitigation]\n"}${front}---

Prose.

${steps.map((step) => `\`\`\`yaml step\n${step.trim()}\n\`\`\``).join("\n\n")}
`;

const VERIFY = `
verify:
  soak: 5s
  within: 40s
  checks:
    - { signal: up, op: "==", value: 1 }
    - { signal: error_ratio, op: "<=", value: 0.05, baseline: { plus: 0.02 } }`;
export const STEPS = {
  logs: `id: look\nverb: target.logs\nwith: { target: "{{service}}" }`,
  restart: `id: restart\nverb: target.restart\nwith: { target: "{{service}}" }\nundo: none-required${VERIFY}`,
  rollback: `id: rollback\nverb: target.rollback\nwith: { target: "{{service}}" }\nundo:\n  verb: target.rollback\n  with: { target: "{{service}}", toRevision: "{{before.revision}}" }${VERIFY}`,
  scale: `id: scale\nverb: target.scale\nwith: { target: "{{service}}", replicas: 3 }\nundo:\n  verb: target.scale\n  with: { target: "{{service}}", replicas: "{{before.replicas}}" }${VERIFY}`,
  start: `id: start\nverb: target.start\nwith: { target: "{{service}}" }\nundo:\n  verb: target.stop\n  with: { target: "{{service}}" }${VERIFY}`,
  config: `id: config\nverb: target.config\nwith: { target: "{{service}}", name: POOL_SIZE, value: "40" }\nundo:\n  verb: target.config\n  with: { target: "{{service}}", name: POOL_SIZE, value: "{{before.config}}" }${VERIFY}`,
  recreate: `id: recreate\nverb: target.recreate\nwith: { target: "{{service}}" }\nundo: none-required${VERIFY}`,
  reconnect: `id: reconnect\nverb: target.reconnect\nwith: { target: "{{service}}" }\nundo: none-required${VERIFY}`,
  stop: `id: stop\nverb: target.stop\nwith: { target: "{{service}}" }\nundo:\n  verb: target.start\n  with: { target: "{{service}}" }${VERIFY}`,
} as const;

export interface World {
  readonly store: Store;
  readonly clock: FakeClock;
  readonly targets: FakeTargets;
  readonly signals: FakeSignals;
  readonly options: WorkOptions;
  readonly jobs: NewJob[];
  /** How much time passes between two turns of the event loop, in milliseconds. */
  stepMs: number;
  /** Makes an incident with one firing alert and a diagnosed cause. @returns its id */
  incident(id: string, service: string, severity?: string): Promise<string>;
  request(id: string, incidentId: string, service: string, runbook: Runbook, requestedBy?: string): Promise<RunPlan>;
  /** Works a run's job to its end while time passes. */
  work(runId: string, options?: Partial<WorkOptions>, signal?: AbortSignal): Promise<void>;
  /** Lets time pass until the work is done. */
  drive<T>(work: Promise<T>): Promise<T>;
  run(id: string): Promise<RunRow>;
  /** Kinds of the events of a run, in order. */
  told(runId: string): Promise<string[]>;
}

export const parsed = (text: string, id: string): Runbook => {
  const { runbook, problems } = parseRunbook(`test/${id}.md`, text);
  if (!runbook) throw new Error(problems.map((p) => `${p.line}: ${p.reason}`).join("\n"));
  return runbook;
};

/** One database for all tests of a file, emptied for each: opening one takes longer than the test. */
let shared: Promise<Store> | undefined;
afterAll(async () => (await shared)?.close());

async function emptyStore(): Promise<Store> {
  shared ??= openStore({ url: "embedded:memory", log: silentLogger });
  const store = await shared;
  await store.sql.query(
    "TRUNCATE incidents, incident_members, alerts, runs, run_steps, approvals, target_locks, leases, journal, switches, autonomy_changes, event_log, evidence, tickets CASCADE",
  );
  return store;
}

/** The store, and how many of its answers are awaited: while the database works, no time passes, however slow the machine is. */
function counted(store: Store): { readonly store: Store; readonly awaited: () => number } {
  const { sql } = store;
  let awaited = 0;
  const counting = async <T>(work: Promise<T>): Promise<T> => {
    awaited++;
    try {
      return await work;
    } finally {
      awaited--;
    }
  };
  return {
    store: {
      ...store,
      sql: {
        query: (text, params) => counting(sql.query(text, params)),
        transaction: (work) => counting(sql.transaction(work)),
        listen: (channel, onNotice) => sql.listen(channel, onNotice),
      },
    },
    awaited: () => awaited,
  };
}

export async function openWorld(runbooks: readonly Runbook[], policy: PolicyConfig = DEFAULT_POLICY): Promise<World> {
  const { store, awaited } = counted(await emptyStore());
  const clock = fakeClock(START);
  const targets = fakeTargets(aTarget("payments"), aTarget("cart"), aTarget("catalog"));
  const signals = fakeSignals(clock, Date.parse(START) / 1_000);
  const jobs: NewJob[] = [];
  const byId = new Map(runbooks.map((runbook) => [runbook.id, runbook]));
  const options: WorkOptions = {
    sql: store.sql,
    jobs: {
      send: async (_tx, job) => void jobs.push(job),
      work: async () => async () => {},
    },
    targets,
    signals,
    clock,
    log: silentLogger,
    metrics: createMetrics(new Registry()),
    library: { runbooks, texts: indexRunbooks(runbooks), refused: 0, find: (id) => byId.get(id), reload: async () => {} },
    policy,
    redButton: createRedButton({ sql: store.sql, clock, pressedByConfig: false, file: undefined }),
    environment: "lab",
    approvalMinutes: 60,
    maxWaitSeconds: 60,
    lockLeaseMs: LOCK_LEASE_MS,
    httpOrigins: [],
    verifyIntervalMs: 1_000,
    preconditionMs: 2_000,
    fetch: () => Promise.reject(new Error("no network in this test")),
  };

  const world: World = {
    store,
    clock,
    targets,
    signals,
    options,
    jobs,
    stepMs: 500,
    async incident(id, service, severity = "critical") {
      const at = isoTime(clock.now());
      signals.incidentStart = clock.now() / 1_000;
      const evidence: Evidence = { id: `ev_${id}`, kind: "metric", service, text: `memory of ${service} climbs` };
      const cause: Cause = {
        service,
        kind: "resource",
        score: 1,
        confidence: 0.9,
        text: `${service} leaks memory`,
        evidence: [evidence.id],
      };
      const diagnosis = { verdict: "cause", causes: [cause], evidence: [evidence], missing: [], at };
      await store.sql.transaction(async (tx) => {
        await tx.query(
          `INSERT INTO incidents (id, scope, title, state, severity, service, started_at, opened_at, last_alert_at, verdict, diagnosis)
           VALUES ($1, 'default', $1, 'mitigating', $2, $3, $4, $4, $4, 'cause', $5::jsonb)`,
          [id, severity, service, at, JSON.stringify(diagnosis)],
        );
        await tx.query(
          `INSERT INTO alerts (scope, fingerprint, name, service, severity, source, labels, annotations, status, starts_at, received_at, outcome)
           VALUES ('default', $1, 'HighMemory', $2, $3, 'alertmanager', '{}', '{}', 'firing', $4, $4, 'incident')`,
          [id, service, severity, at],
        );
        await tx.query(
          `INSERT INTO incident_members (incident_id, scope, fingerprint, role, reasons) VALUES ($1, 'default', $1, 'root', '[]')`,
          [id],
        );
      });
      return id;
    },
    async request(id, incidentId, service, runbook, requestedBy = "sre-agent") {
      const plan = planWith(runbook, { service });
      if (plan.kind === "refused") throw new Error(plan.reason);
      const run = { id, incidentId, runbook: runbook.id, title: runbook.title, digest: plan.digest, parameters: plan.parameters };
      await store.sql.transaction((tx) => insertRequestedRun(tx, { ...run, requestedBy, text: "wanted" }, clock.now()));
      return plan;
    },
    work: (runId, more = {}, signal = new AbortController().signal) =>
      world.drive(workRun({ ...options, ...more }, { data: { runId }, signal })),
    async drive(work) {
      let isDone = false;
      const done = work.finally(() => {
        isDone = true;
      });
      done.catch(() => {});
      while (!isDone) {
        if (awaited() === 0) await clock.advance(world.stepMs);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      return done;
    },
    async run(id) {
      const run = await findRun(store.sql, id);
      if (!run) throw new Error(`no run ${id}`);
      return run;
    },
    async told(runId) {
      const { rows } = await store.sql.query<{ kind: string }>(
        "SELECT data->>'kind' AS kind FROM event_log WHERE data->>'runId' = $1 ORDER BY seq",
        [runId],
      );
      return rows.map((row) => row.kind);
    },
  };
  return world;
}
