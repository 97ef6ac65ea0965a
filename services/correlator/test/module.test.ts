import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBus } from "@tocsin/bus";
import { AlertFiring, AlertResolved, eventOf } from "@tocsin/contracts";
import { createHttpServer } from "@tocsin/http";
import { createTeardown, silentLogger, systemClock } from "@tocsin/runtime";
import { openSignals, type Signals } from "@tocsin/signals";
import { openStore, requestCorrelation } from "@tocsin/store";
import { eventually } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { expect, onTestFinished, test } from "vitest";
import { type AlertScript, alert, SHOP, topology } from "../../../packages/correlation/test/alerts.ts";
import { correlator } from "../src/module.ts";

/** The module as a process runs it, on an embedded bus and store. */
async function start(current: () => Promise<unknown> = async () => topology(SHOP)) {
  const teardown = createTeardown(silentLogger);
  onTestFinished(async () => {
    expect(await teardown.run()).toEqual([]);
  });
  const store = await openStore({ url: "embedded:memory", log: silentLogger });
  teardown.onStop("store", () => store.close());
  const registry = new Registry();
  const bus = await openBus({ url: "embedded:", log: silentLogger, sql: store.sql });
  teardown.onStop("bus", () => bus.close());
  const http = createHttpServer({ host: "127.0.0.1", port: 0, log: silentLogger, registry, version: "0" });
  const context: Pick<
    Parameters<typeof correlator.start>[0],
    "config" | "bus" | "store" | "signals" | "http" | "log" | "registry" | "clock" | "onStop" | "onReady" | "fail"
  > = {
    config: correlator.config.parse({ releaseSeconds: 0.05 }),
    bus,
    store,
    signals: { topology: { current } } as unknown as Signals,
    http,
    log: silentLogger,
    registry,
    clock: systemClock,
    onStop: teardown.onStop,
    onReady: () => {},
    fail: (error) => {
      throw error;
    },
  };
  // What the module does not need, its host would not give it either.
  await correlator.start(context as Parameters<typeof correlator.start>[0]);
  const publish = (...scripts: AlertScript[]) =>
    bus.publish(
      scripts.map((script) => {
        const data = alert(script);
        const definition = data.status === "firing" ? AlertFiring : AlertResolved;
        return eventOf(definition, { id: data.dedupeKey, source: "/tocsin/bridge", time: data.receivedAt }, data);
      }),
    );
  const open = async () =>
    (
      await store.sql.query<{ id: string; title: string; alert_count: number }>(
        "SELECT * FROM incidents WHERE state <> 'closed' ORDER BY started_at",
      )
    ).rows;
  return { store, publish, open, registry, http };
}

test("alerts that travel on three topics meet in one incident", async () => {
  const { publish, open, registry } = await start();
  await publish(
    { name: "MemoryGrowing", service: "payments", severity: "critical" },
    { name: "HighErrorRate", service: "checkout", severity: "warning", at: 5 },
    { name: "HighLatency", service: "storefront", severity: "info", at: 9 },
  );
  const incident = await eventually("three members", async () => (await open()).find(({ alert_count }) => alert_count === 3));
  expect(incident.title).toBe("payments: MemoryGrowing (+2 symptoms)");
  expect(await registry.metrics()).toContain('tocsin_correlator_alerts_total{effect="started"} 3');
});

test("works without a topology, and says so once", async () => {
  const { publish, open } = await start(async () => {
    throw new Error("no lab here");
  });
  await publish({ name: "DiskFull", service: "archive" }, { name: "HighLatency", service: "archive", at: 5 });
  await eventually("both on one service", async () => (await open()).find(({ alert_count }) => alert_count === 2));
});

test("what a person silences over HTTP stays out of incidents, and comes back as soon as they end it", async () => {
  const { store, publish, open, http } = await start();
  const silence = { matcher: 'service == "payments"', owner: "ada", reason: "load test", seconds: 3_600 };
  const { id } = (await http.fastify.inject({ method: "POST", url: "/api/v1/silences", payload: silence })).json() as { id: string };
  await publish({ name: "MemoryGrowing", service: "payments" });
  await eventually("held back", async () => {
    const { rows } = await store.sql.query("SELECT 1 FROM alerts WHERE outcome = 'suppressed'");
    return rows.length === 1 ? true : undefined;
  });
  expect(await open()).toEqual([]);
  await http.fastify.inject({ method: "DELETE", url: `/api/v1/silences/${id}` });
  await eventually("back", async () => (await open()).find(({ title }) => title === "payments: MemoryGrowing"));
});

test("a deployment without lab and traces correlates by the topology file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tocsin-topology-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const topologyFile = join(folder, "topology.yaml");
  await writeFile(topologyFile, "services:\n  - { id: billing, dependsOn: [ledger] }\n  - { id: ledger, dependsOn: [mainframe] }\n");
  const none = { metricsUrl: "none:", logsUrl: "none:", tracesUrl: "none:", labUrl: "" };
  const signals = await openSignals({ ...none, topologyFile, log: silentLogger, clock: systemClock });
  onTestFinished(() => signals.close());
  const { publish, open } = await start(() => signals.topology.current());
  await publish({ name: "MainframeDown", service: "mainframe" }, { name: "HighErrorRate", service: "billing", at: 20 });
  await publish({ name: "HighErrorRate", service: "unrelated", at: 21 });
  const titles = await eventually("both", async () => {
    const rows = await open();
    return rows.length === 2 && rows.some(({ alert_count }) => alert_count === 2) ? rows.map(({ title }) => title).sort() : undefined;
  });
  expect(titles).toEqual(["mainframe: MainframeDown (+1 symptom)", "unrelated: HighErrorRate"]);
});

test("a merge that a person asked for happens", async () => {
  const { store, publish, open } = await start();
  await publish({ name: "MemoryGrowing", service: "payments" }, { name: "CpuSpinning", service: "catalog", at: 1 });
  const [into, from] = await eventually("two incidents", async () => {
    const rows = await open();
    return rows.length === 2 ? rows : undefined;
  });
  await store.sql.transaction((tx) =>
    requestCorrelation(tx, store.jobs, { kind: "merge", id: "w1", intoId: into?.id as string, fromId: from?.id as string, by: "ada" }),
  );
  await eventually("one incident", async () => {
    const rows = await open();
    return rows.length === 1 && rows[0]?.alert_count === 2 ? rows : undefined;
  });
});

test("the README documents every error code and every setting", async () => {
  const root = new URL("../", import.meta.url);
  const readme = await readFile(new URL("README.md", root), "utf8");
  const codes = (await readFile(new URL("src/errors.ts", root), "utf8")).match(/CORRELATOR_[A-Z_]+/g) ?? [];
  expect(codes.length).toBeGreaterThan(0);
  for (const code of codes) expect(readme).toContain(`\`${code}\``);
  for (const key of Object.keys(correlator.config.shape))
    expect(readme).toContain(`TOCSIN_CORRELATOR_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`);
});
