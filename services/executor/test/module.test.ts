import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EventBus, openBus } from "@tocsin/bus";
import { planWith } from "@tocsin/runbooks";
import { createTeardown, type Logger, silentLogger, systemClock, type Teardown } from "@tocsin/runtime";
import { insertRequestedRun, openStore, type Store, startRelay } from "@tocsin/store";
import { eventually } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ExecutorConfig } from "../src/config.ts";
import { executor } from "../src/module.ts";
import { fakeSignals } from "./support/fake-signals.ts";
import { aTarget, fakeTargets } from "./support/fake-targets.ts";
import { parsed, runbookText, STEPS } from "./support/world.ts";

const text = runbookText("restart", [STEPS.restart.replace("soak: 5s", "soak: 500ms")]);
let store: Store;
let bus: EventBus;
let folder: string;
let teardown: Teardown;
const targets = fakeTargets(aTarget("payments"));
const errors: { fields: object; message: string }[] = [];
const log: Logger = { ...silentLogger, error: (fields, message) => void errors.push({ fields, message }), child: () => log };
const registry = new Registry();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tocsin-runbooks-"));
  await writeFile(join(folder, "restart.md"), text);
  await writeFile(join(folder, "bad.md"), text.replace("id: restart\ntitle", "id: bad\ntitle").replace("undo: none-required\n", ""));
  store = await openStore({ url: "embedded:memory", log: silentLogger });
  bus = await openBus({ url: "embedded:", log: silentLogger, sql: store.sql, onFatal: () => {} });
  const relay = await startRelay({ sql: store.sql, publish: (events) => bus.publish(events), log: silentLogger });
  teardown = createTeardown(silentLogger);
  teardown.onStop("close store", () => store.close());
  teardown.onStop("close bus", () => bus.close());
  teardown.onStop("stop relay", () => relay.stop());
});
afterAll(async () => {
  await teardown.run();
  await rm(folder, { recursive: true });
});

test("a request that travels over the bus is run, and the end travels back; a bad runbook keeps none from loading", async () => {
  const signals = fakeSignals(systemClock, Date.now() / 1_000);
  const ill = targets.target("payments");
  signals.now = () => (targets.target("payments") === ill ? { up: 1, error_ratio: 0.5 } : { up: 1, error_ratio: 0 });
  const config = ExecutorConfig.parse({ runbooksDir: folder, verifyIntervalMs: "50" });
  const started: string[] = [];
  const mounted: string[] = [];
  const http = { mount: async (prefix: string) => void mounted.push(prefix) };
  const context = { config, bus, store, targets, signals, http, log, registry, clock: systemClock, fail: started.push.bind(started) };
  await executor.start({ ...context, onStop: teardown.onStop, onReady: () => {} } as unknown as Parameters<typeof executor.start>[0]);
  expect(errors).toEqual([
    {
      message: "runbook refused",
      fields: { file: "bad.md", line: 19, reason: "target.restart changes something: name its `undo` or say `irreversible: true`" },
    },
  ]);

  expect(mounted).toEqual(["/api/v1"]);

  await store.sql.query(
    `INSERT INTO incidents (id, scope, title, state, severity, service, started_at, last_alert_at, verdict, diagnosis)
     VALUES ('inc_1', 'default', 'x', 'mitigating', 'critical', 'payments', now(), now(), 'cause', $1::jsonb)`,
    [
      JSON.stringify({
        causes: [{ service: "payments", kind: "resource", score: 1, confidence: 1, text: "leak", evidence: [] }],
        evidence: [],
      }),
    ],
  );
  const runbook = parsed(text.replace("id: restart\ntitle", "id: restart\ntitle"), "restart");
  const plan = planWith(runbook, { service: "payments" });
  if (plan.kind === "refused") throw new Error(plan.reason);
  await store.sql.transaction((tx) =>
    insertRequestedRun(tx, {
      id: "run_1",
      incidentId: "inc_1",
      runbook: "restart",
      title: runbook.title,
      digest: plan.digest,
      parameters: plan.parameters,
      requestedBy: "sre-agent",
      text: "wanted",
    }),
  );
  const finished = Promise.withResolvers<unknown>();
  const subscription = await bus.subscribe({
    group: "tocsin.test",
    topics: ["agent-actions"],
    handle: async ({ events }) => {
      for (const event of events) if (event.type === "dev.tocsin.action.finished.v1") finished.resolve(event.data);
    },
  });
  teardown.onStop("stop listening", () => subscription.stop());
  expect(await finished.promise).toMatchObject({ runId: "run_1", incidentId: "inc_1", state: "succeeded", kind: "finished" });
  expect(targets.calls).toEqual(["restart payments run_1:0"]);
  const metrics = await registry.metrics();
  expect(metrics).toContain('tocsin_executor_runs_total{state="succeeded"} 1');
  expect(metrics).toContain('tocsin_executor_runbooks{outcome="refused"} 1');
  await eventually("the lease is given back", async () =>
    (await store.sql.query("SELECT 1 FROM leases WHERE name LIKE 'run:%'")).rows.length === 0 ? true : undefined,
  );
});
