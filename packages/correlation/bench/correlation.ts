// `npm run bench -- correlation`: the pure engine, by how many alerts are active. Run with `node --expose-gc` for bytes per alert.
import { cpus } from "node:os";
import type { Alert } from "@tocsin/contracts";
import { fingerprintOf } from "../eval/fingerprint.ts";
import { seeded } from "../eval/scenarios.ts";
import { compileGraph, correlate, createWorkingSet, DEFAULT_CORRELATION, type WorkingSet } from "../src/index.ts";

const SUITE = "correlation";
const say = (record: object): void => void process.stdout.write(`${JSON.stringify(record)}\n`);
const START = Date.parse("2026-01-01T00:00:00Z");
const BATCH = 500;
const MEASURED = 50_000;

/** Services in small call trees of ten, as many as there are incidents to be. */
function fleet(incidents: number) {
  const services = [];
  for (let tree = 0; tree < incidents; tree++)
    for (let i = 0; i < 10; i++)
      services.push({ id: `app${tree}-svc${i}`, dependsOn: i < 9 ? [`app${tree}-svc${i + 1}`] : [], labels: {} });
  return compileGraph({ services }, DEFAULT_CORRELATION.maxHops, DEFAULT_CORRELATION.hubDependents);
}

/** An alert of a tree: `member` says which service and which pod of it. */
function firing(tree: number, member: number, atMs: number): Alert {
  const service = `app${tree}-svc${member % 10}`;
  const labels = {
    alertname: member % 3 === 0 ? "HighErrorRate" : "HighLatency",
    service,
    namespace: "prod",
    pod: `${service}-${Math.floor(member / 10)}`,
  };
  const fingerprint = fingerprintOf(labels);
  const startsAt = new Date(atMs).toISOString();
  return {
    fingerprint,
    dedupeKey: `sha256:${fingerprint}${atMs.toString(16).padStart(16, "0")}${"0".repeat(32)}`,
    source: "alertmanager",
    name: labels.alertname,
    severity: "warning",
    service,
    scope: "default",
    status: "firing",
    labels,
    annotations: { description: `${labels.alertname} on ${labels.pod} of ${service}: 12.5% for 5m` },
    startsAt,
    receivedAt: startsAt,
  };
}

const resolved = (alert: Alert, atMs: number): Alert => ({
  ...alert,
  status: "resolved",
  endsAt: new Date(atMs).toISOString(),
  dedupeKey: `${alert.dedupeKey.slice(0, -1)}1`,
  receivedAt: new Date(atMs).toISOString(),
});

/** @returns processor time in milliseconds: what one core takes, whatever else the machine does */
function inBatches(set: WorkingSet, alerts: readonly Alert[]): number {
  const before = process.cpuUsage();
  for (let from = 0; from < alerts.length; from += BATCH) correlate(set, alerts.slice(from, from + BATCH));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const heapBytes = (): number => {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

const MEMBERS = 50;

say({
  suite: SUITE,
  case: "setup",
  subject: "machine",
  metric: "cores",
  value: cpus().length,
  unit: "cores",
  n: 1,
  cpu: cpus()[0]?.model,
  node: process.version,
  batch: BATCH,
  membersPerIncident: MEMBERS,
  configuration: DEFAULT_CORRELATION,
});

for (const active of [1_000, 10_000, 100_000]) {
  const trees = active / MEMBERS;
  const graph = fleet(trees + 200);
  const random = seeded(7);
  const before = heapBytes();
  const set = createWorkingSet("default", graph);
  const opening: Alert[] = [];
  for (let member = 0; member < MEMBERS; member++)
    for (let tree = 0; tree < trees; tree++) opening.push(firing(tree, member, START + member * 1_000));
  const openMs = inBatches(set, opening);
  opening.length = 0;
  const bytes = (heapBytes() - before) / active;
  const name = `${active} active alerts, ${set.incidents.size} open incidents`;
  say({
    suite: SUITE,
    case: name,
    subject: "tocsin",
    metric: "opening",
    value: Math.round((active / openMs) * 1000),
    unit: "alerts/s",
    n: active,
  });
  if (globalThis.gc)
    say({ suite: SUITE, case: name, subject: "tocsin", metric: "memory", value: Math.round(bytes), unit: "bytes/alert", n: active });

  // A living fleet: alerts resolve, return, are sent again, and now and then something new fires.
  const mixed: Alert[] = [];
  const at = START + 120_000;
  for (let i = 0; i < MEASURED; i++) {
    const alert = firing(Math.floor(random() * trees), Math.floor(random() * MEMBERS), START + Math.floor(random() * MEMBERS) * 1_000);
    const dice = random();
    if (dice < 0.5) mixed.push(resolved(alert, at + i));
    else if (dice < 0.9)
      mixed.push({
        ...firing(Math.floor(random() * trees), Math.floor(random() * MEMBERS), at + i),
        receivedAt: new Date(at + i).toISOString(),
      });
    else mixed.push(firing(trees + Math.floor(random() * 200), Math.floor(random() * MEMBERS), at + i));
  }
  inBatches(set, mixed.slice(0, 5_000));
  const ms = inBatches(set, mixed.slice(5_000));
  say({
    suite: SUITE,
    case: name,
    subject: "tocsin",
    metric: "mixed",
    value: Math.round(((MEASURED - 5_000) / ms) * 1000),
    unit: "alerts/s",
    n: MEASURED - 5_000,
  });
  say({
    suite: SUITE,
    case: name,
    subject: "tocsin",
    metric: "cost",
    value: Math.round((ms / (MEASURED - 5_000)) * 1e6) / 1e3,
    unit: "us/alert",
    n: MEASURED - 5_000,
  });
}

// The dearest there is: each alert is of a service of its own and opens an incident.
{
  const alone = 100_000;
  const set = createWorkingSet("default", compileGraph({ services: [] }, DEFAULT_CORRELATION.maxHops, DEFAULT_CORRELATION.hubDependents));
  const ms = inBatches(
    set,
    Array.from({ length: alone }, (_, tree) => firing(tree, 0, START + Math.floor(tree / 100) * 1_000)),
  );
  say({
    suite: SUITE,
    case: `${alone} alerts, ${set.incidents.size} open incidents`,
    subject: "tocsin",
    metric: "opening",
    value: Math.round((alone / ms) * 1000),
    unit: "alerts/s",
    n: alone,
  });
}
