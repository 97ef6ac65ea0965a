import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DrillView, DryRunView, PolicyVerdict } from "@tocsin/contracts";
import { createHttpServer, type RunningHttpServer } from "@tocsin/http";
import { silentLogger, systemClock } from "@tocsin/runtime";
import { openStore, type Store } from "@tocsin/store";
import { freePort } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { build } from "vite";
import { apiRoutes } from "../src/api.ts";
import { openLiveStream } from "../src/live-stream.ts";
import { pageRoutes } from "../src/pages.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** Bundles the UI as it is now, into a folder of its own unless told where. */
export async function bundle(outDir: string = mkdtempSync(join(tmpdir(), "tocsin-console-"))): Promise<string> {
  await build({
    configFile: fileURLToPath(new URL("../vite.config.ts", import.meta.url)),
    logLevel: "silent",
    build: { outDir, emptyOutDir: true },
  });
  return outDir;
}

const answer = <T>(value: T) => Promise.resolve({ value, partial: [] });
const CALLS: Readonly<Record<string, string[]>> = { storefront: ["checkout"], checkout: ["payments"], payments: [] };

/** What the monitored systems say: three services, one of them slow for a while. */
export const signals = {
  topology: {
    current: () => Promise.resolve({ services: Object.entries(CALLS).map(([id, dependsOn]) => ({ id, dependsOn, labels: {} })) }),
  },
  metrics: {
    services: () => answer(Object.keys(CALLS)),
    current: (_service: string, signal: string) => answer(signal === "up" ? 1 : 0.25),
    signals: ([service]: readonly string[], _names: unknown, { from, to }: { from: number; to: number }) =>
      answer([
        {
          service,
          signal: "memory",
          query: "process_resident_memory_bytes",
          samples: Array.from({ length: 60 }, (_, n) => [from + ((to - from) * n) / 60, 1e8 + n * 1e6]),
        },
      ]),
  },
  logs: {
    lines: (service: string, { from }: { from: number }) =>
      answer(
        Array.from({ length: 40 }, (_, n) => ({
          at: from + n,
          service,
          level: n % 10 === 0 ? "error" : "info",
          message: n % 10 === 0 ? `order ${n} failed: <b>out of memory</b>` : `GET /orders in ${n} ms`,
        })),
      ),
  },
  traces: { edges: () => answer([{ from: "checkout", to: "payments", calls: 100, errors: 20, p95Ms: 480 }]) },
  changes: { between: () => answer([]) },
} as never;

const targets = {
  list: () => Promise.resolve([]),
  get: (id: string) => Promise.resolve({ id, replicas: [{ healthy: true }], revision: "2.0.0", previousRevision: "1.9.0", labels: {} }),
} as never;

const DRILL: DrillView = {
  id: "drl_1",
  fault: "memory-leak",
  target: "payments",
  seconds: 240,
  state: "passed",
  incidentId: "inc_story",
  at: {
    injected: "2026-01-01T00:00:00.000Z",
    fired: "2026-01-01T00:00:16.000Z",
    incident: "2026-01-01T00:00:16.100Z",
    cause: "2026-01-01T00:00:20.000Z",
  },
  cause: { expected: "payments", found: "payments", right: true },
  action: { expected: "target.restart", taken: "target.restart", right: true },
};

const POLICY: readonly PolicyVerdict[] = [
  { rule: "red-button", verdict: "allow", text: "the red button is not pressed" },
  { rule: "fresh-signal", verdict: "allow", text: "the youngest sample is 4 s old" },
  { rule: "cool-down", verdict: "refuse", text: "memory-leak-restart ran on payments 40 s ago (once lately); it rests for 300 s" },
  { rule: "rate", verdict: "allow", text: "the hourly rates are not used up" },
  { rule: "autonomy", verdict: "needs-approval", text: "autonomy L2 acts after an approval: production" },
];

/** What the executor says of a dry run: refused by a limit, asked of a person for a run that waits, no plan without a person's value. */
function dryRunOf(runbook: string, runId: string | undefined, given: string | undefined): DryRunView {
  const at = new Date().toISOString();
  const wants: DryRunView["wants"] = [
    { name: "service", origin: "cause.service" },
    ...(runbook === "pool-size-raise" ? [{ name: "connections", origin: "operator", description: "How many connections." }] : []),
  ];
  if (wants.length > 1 && given === undefined) return { kind: "refused", at, wants, reason: "connections: a person has to give it" };
  const [, connections] = given?.split("=") ?? [];
  const reasons = runId === undefined ? POLICY : POLICY.filter(({ verdict }) => verdict !== "refuse");
  return {
    kind: "plan",
    at,
    wants,
    digest: `sha256:${"d".repeat(64)}`,
    effect: "Restart a service that leaks memory (acts on payments)\n1. restart payments",
    risk: "low",
    autonomy: "L3",
    reversibility: "self-reversing",
    parameters: { service: "payments", ...(connections === undefined ? {} : { connections }) },
    targets: [{ id: "payments", text: "1 of 1 replicas healthy, revision 2.0.0, before it 1.9.0" }],
    steps: [
      {
        id: "restart",
        deed: connections === undefined ? "restart payments" : `set pool-size of payments to ${connections}`,
        acts: true,
        reversibility: "self-reversing",
        preconditions: [{ holds: true, text: "memory of payments > 100: 2.2e8 against 100" }],
        checks: [{ holds: false, text: "error_ratio of payments <= before + 0.02: 0.6 against 0.02" }],
      },
    ],
    policy: {
      verdict: runId === undefined ? "refuse" : "needs-approval",
      environment: "production",
      autonomy: "L2",
      emergencyOnly: false,
      reasons,
    },
  };
}

export interface ConsoleUnderTest {
  readonly address: string;
  readonly store: Store;
  /** The process goes away, and comes back on the same port with the same store. */
  stopServer(): Promise<void>;
  startServer(): Promise<void>;
  stop(): Promise<void>;
}

/** The console alone over a store in memory; what other modules serve is answered with fixed text. */
export async function consoleUnderTest(bundleFolder: string): Promise<ConsoleUnderTest> {
  const store = await openStore({ url: "embedded:memory", log: silentLogger });
  const port = await freePort();
  let server: RunningHttpServer | undefined;
  let stopLive = async (): Promise<void> => {};

  async function startServer(): Promise<void> {
    const live = await openLiveStream(store.sql, silentLogger);
    stopLive = () => live.stop();
    server = createHttpServer({ host: "127.0.0.1", port, log: silentLogger, registry: new Registry(), version: "0.0.0" });
    await server.mount(
      "/api/v1",
      apiRoutes({
        store,
        bus: { publish: () => Promise.resolve() },
        signals,
        targets,
        live,
        clock: systemClock,
        runbooksDir: join(ROOT, "runbooks"),
        effectiveConfig: { host: { port } as never, modules: { console: { runbooksDir: "runbooks" } } },
        version: "0.0.0",
      }),
    );
    await server.mount("/api/v1", async (app) => {
      app.get("/faults", async () => ({
        items: [{ id: "memory-leak", title: "Memory leak", text: "Grows.", targets: ["payments"], expectedAction: "target.restart" }],
        next: null,
      }));
      app.get<{ Params: { id: string }; Querystring: { runId?: string; given?: string } }>(
        "/runbooks/:id/dry-run",
        async ({ params, query }) => dryRunOf(params.id, query.runId, query.given),
      );
      app.get("/drills", async () => ({ items: [DRILL], next: null }));
      app.get("/quarantine", async () => ({
        items: [
          {
            id: "q_1",
            source: "alertmanager",
            receivedAt: "2026-01-01T00:00:00.000Z",
            code: "BRIDGE_BODY_INVALID",
            reason: "no alerts in it",
            size: 12,
            times: 2,
            state: "held",
          },
        ],
        next: null,
      }));
    });
    await server.mount("", pageRoutes(bundleFolder));
    await server.listen();
  }
  async function stopServer(): Promise<void> {
    await server?.close();
    await stopLive();
    server = undefined;
  }
  await startServer();
  return {
    address: `http://127.0.0.1:${port}`,
    store,
    startServer,
    stopServer,
    async stop() {
      await stopServer();
      await store.close();
    },
  };
}
