// A small system to investigate: three services whose signals are made on demand, and whose fault can be switched off.
import type { LogLine, Sample, SignalName, SignalSeries, Topology } from "@tocsin/contracts";
import { type Alert, eventOf, IncidentOpened } from "@tocsin/contracts";
import { type Adviser, createAdviser, type LlmRequest, memoryLedger, type ScriptEntry, scriptedLlm } from "@tocsin/llm";
import { loadRunbooks, type Runbook } from "@tocsin/runbooks";
import { isoTime, silentLogger, systemClock } from "@tocsin/runtime";
import type { Signals } from "@tocsin/signals";
import { appendEvents, type Store } from "@tocsin/store";
import { Registry } from "prom-client";
import { loadPrompts } from "../src/advice/prompts.ts";
import { SreAgentConfig } from "../src/config.ts";
import { createMetrics } from "../src/metrics.ts";
import type { AgentDeps } from "../src/round.ts";

export const TOPOLOGY: Topology = {
  services: [
    { id: "storefront", dependsOn: ["checkout"], labels: {} },
    { id: "checkout", dependsOn: ["payments"], labels: {} },
    { id: "payments", dependsOn: [], labels: {} },
  ],
};

/** What the fake system is like at the moment. */
export interface System {
  /** Metrics and logs do not answer. */
  isAway: boolean;
  /** Seconds ago since which payments fails; undefined: all is well. */
  illFor: number | undefined;
  reads: number;
}
export const wellSystem = (): System => ({ illFor: undefined, isAway: false, reads: 0 });

const NORMAL: Partial<Record<SignalName, number>> = { up: 1, request_rate: 8, error_ratio: 0, latency_p95: 0.02, cpu: 0.05, memory: 8e7 };
const ILL: Readonly<Record<string, Partial<Record<SignalName, number>>>> = {
  payments: { error_ratio: 0.5 },
  checkout: { error_ratio: 0.5 },
  storefront: { error_ratio: 0.3 },
};

export function fakeSignals(system: System): Signals {
  const whole = <T>(value: T) => Promise.resolve({ value, partial: [] as readonly string[] });
  return {
    metrics: {
      signals: (services, signals, window, step) => {
        system.reads++;
        if (system.isAway) return Promise.reject(new Error("connection refused"));
        const illSince = system.illFor === undefined ? Number.POSITIVE_INFINITY : window.to - system.illFor;
        const series: SignalSeries[] = [];
        for (const service of services) {
          for (const signal of signals) {
            const normal = NORMAL[signal];
            if (normal === undefined || !TOPOLOGY.services.some(({ id }) => id === service)) continue;
            const samples: Sample[] = [];
            for (let at = window.from; at < window.to; at += step) {
              const jitter = 1 + 0.02 * Math.sin(at * 1.7);
              samples.push([at, (at >= illSince ? ILL[service]?.[signal] : undefined) ?? normal * (signal === "up" ? 1 : jitter)]);
            }
            series.push({ service, signal, samples, query: `${signal}{service="${service}"}` });
          }
        }
        return whole(series);
      },
      current: (service, signal) =>
        system.isAway
          ? Promise.reject(new Error("connection refused"))
          : whole(system.illFor === undefined ? NORMAL[signal] : (ILL[service]?.[signal] ?? NORMAL[signal])),
      queryRange: () => whole([]),
      query: () => whole([]),
      services: () => whole(TOPOLOGY.services.map(({ id }) => id)),
      ping: () => Promise.resolve(),
    },
    logs: {
      lines: (service, window) => {
        if (system.isAway) return Promise.reject(new Error("connection refused"));
        const lines: LogLine[] = [];
        if (service === "payments" && system.illFor !== undefined) {
          const now = Math.floor(systemClock.now() / 1_000);
          for (let i = 0; i < 25; i++)
            lines.push({ at: now - 30 + i, service, level: "error", message: `TypeError in charge ${i}: undefined` });
        }
        return whole(lines.filter(({ at }) => at >= window.from && at < window.to));
      },
      ping: () => Promise.resolve(),
    },
    traces: { edges: () => whole([]), notable: () => whole([]), ping: () => Promise.resolve() },
    topology: { current: () => Promise.resolve(TOPOLOGY) },
    changes: {
      between: (window) =>
        whole([
          {
            id: "chg-1",
            at: isoTime((window.to - 70) * 1_000),
            service: "payments",
            kind: "deployment" as const,
            text: "release 1.1.0",
            version: "1.1.0",
            previousVersion: "1.0.0",
          },
        ]),
    },
  };
}

export const RUNBOOK = `---
id: roll-back
title: Roll back a release that answers with errors
matches:
  alerts:
    - alertname: HighErrorRatio
  causes: [change, code-error]
parameters:
  service:
    type: name
    description: The service that is at fault.
    pattern: ^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$
    maxLength: 63
    origin: cause.service
risk: medium
autonomy: L3
tags: [rollback]
---

Roll the release back.

\`\`\`yaml step
id: roll-back
verb: target.rollback
with:
  target: "{{service}}"
undo:
  verb: target.rollback
  with:
    target: "{{service}}"
    toRevision: "{{before.revision}}"
timeout: 60s
verify:
  within: 60s
  soak: 5s
  checks:
    - signal: error_ratio
      op: "<="
      value: 0.05
\`\`\`
`;

export async function oneRunbook(text = RUNBOOK): Promise<readonly Runbook[]> {
  const { runbooks, problems } = await loadRunbooks({ list: async () => ["roll-back.md"], read: async () => text });
  if (runbooks.length === 0) throw new Error(problems.map((p) => `${p.line}: ${p.reason}`).join("\n"));
  return runbooks;
}

export async function agentDeps(
  store: Pick<Store, "sql" | "jobs" | "pool" | "engine">,
  system: System,
  change: Partial<Pick<AgentDeps, "clock" | "failpoint" | "runbooks" | "signals">> & { adviser?: Adviser } & {
    config?: Partial<SreAgentConfig>;
  } = {},
): Promise<AgentDeps> {
  const runbooks = change.runbooks ? await change.runbooks() : await oneRunbook();
  return {
    store,
    signals: change.signals ?? fakeSignals(system),
    runbooks: async () => runbooks,
    config: {
      ...SreAgentConfig.parse({}),
      settleSeconds: 0,
      soakSeconds: 0.2,
      verifyEverySeconds: 0.1,
      closeAfterSeconds: 0.2,
      ...change.config,
    },
    clock: change.clock ?? systemClock,
    log: silentLogger,
    metrics: createMetrics(new Registry()),
    advice: { adviser: change.adviser ?? noModel, prompts: await loadPrompts() },
    ...(change.failpoint ? { failpoint: change.failpoint } : {}),
  };
}

/** An incident as the correlator would have opened it: storefront and payments alert. */
export async function seedIncident(store: Pick<Store, "sql">, id: string, nowMs = Date.now()): Promise<void> {
  const at = isoTime(nowMs - 20_000);
  const alerts: Pick<Alert, "fingerprint" | "service">[] = [
    { fingerprint: `${id}-storefront`, service: "storefront" },
    { fingerprint: `${id}-payments`, service: "payments" },
  ];
  await store.sql.transaction(async (tx) => {
    await tx.query(
      `INSERT INTO incidents (id, scope, title, state, severity, service, started_at, last_alert_at, alert_count)
       VALUES ($1, 'default', 'HighErrorRatio on storefront', 'open', 'critical', 'storefront', $2, $2, 2)`,
      [id, at],
    );
    for (const { fingerprint, service } of alerts) {
      await tx.query(
        `INSERT INTO alerts (scope, fingerprint, name, service, severity, source, labels, annotations, status, starts_at, received_at, outcome, incident_id)
         VALUES ('default', $1, 'HighErrorRatio', $2::text, 'critical', 'alertmanager', jsonb_build_object('alertname', 'HighErrorRatio', 'service', $2::text), '{}', 'firing', $3, $3, 'incident', $4)`,
        [fingerprint, service, at, id],
      );
      await tx.query("INSERT INTO incident_members (incident_id, scope, fingerprint, role, reasons) VALUES ($1, 'default', $2, $3, '[]')", [
        id,
        fingerprint,
        service === "storefront" ? "root" : "symptom",
      ]);
    }
    await appendEvents(tx, [
      eventOf(
        IncidentOpened,
        { id: `${id}:opened`, source: "/tocsin/correlator", time: at },
        { incidentId: id, at, kind: "opened", text: "opened", state: "open" },
      ),
    ]);
  });
}

/** All members resolved, as the correlator would write it. */
export const recover = (store: Pick<Store, "sql">, id: string, nowMs = Date.now()): Promise<unknown> =>
  store.sql.transaction(async (tx) => {
    await tx.query("UPDATE alerts SET status = 'resolved', ends_at = $2 WHERE incident_id = $1", [id, isoTime(nowMs)]);
    await tx.query("UPDATE incidents SET recovered_at = $2 WHERE id = $1", [id, isoTime(nowMs)]);
  });
export const refire = (store: Pick<Store, "sql">, id: string): Promise<unknown> =>
  store.sql.transaction(async (tx) => {
    await tx.query("UPDATE alerts SET status = 'firing', ends_at = NULL WHERE incident_id = $1", [id]);
    await tx.query("UPDATE incidents SET recovered_at = NULL WHERE id = $1", [id]);
  });

/** What the executor would have written. */
export const endRun = (store: Pick<Store, "sql">, id: string, state: string, reason?: string): Promise<unknown> =>
  store.sql.query("UPDATE runs SET state = $2, reason = $3, finished_at = now() WHERE incident_id = $1 AND state = 'requested'", [
    id,
    state,
    reason ?? null,
  ]);

export interface Told {
  readonly id: string;
  readonly type: string;
  readonly phase: string | null;
  readonly kind: string;
  readonly text: string;
  readonly evidence: readonly string[] | null;
}
/** What the event log tells of an incident, in order. */
export async function toldOf(store: Pick<Store, "sql">, id: string): Promise<readonly Told[]> {
  const { rows } = await store.sql.query<Told>(
    `SELECT id, type, data->>'phase' AS phase, data->>'kind' AS kind, data->>'text' AS text, data->'evidence' AS evidence
       FROM event_log WHERE incident_id = $1 ORDER BY seq`,
    [id],
  );
  return rows;
}

export const stateOf = async (store: Pick<Store, "sql">, id: string): Promise<string | undefined> =>
  (await store.sql.query<{ state: string }>("SELECT state FROM incidents WHERE id = $1", [id])).rows[0]?.state;

const adviserOver = (providers: Parameters<typeof createAdviser>[0]["providers"]): Adviser =>
  createAdviser({ providers, ledger: memoryLedger(), clock: systemClock, log: silentLogger, coolDownSeconds: 0 });

/** What `none:` gives. */
export const noModel: Adviser = adviserOver([]);

/** A model that says what the function says. */
export const modelThat = (answers: (request: LlmRequest) => ScriptEntry | Promise<ScriptEntry>): Adviser =>
  adviserOver([scriptedLlm(answers)]);
