// `npm run bench -- persisted`: alerts a second from a delivery to the commit, on PGlite and on real Postgres: the correlator alone, without bus
// and HTTP. Every alert is new, fifty to an incident: `together`, as one fault sends them, or `spread`, so that each batch touches every
// incident. Then half of them resolve and fire again.
import { DEFAULT_CORRELATION, EMPTY_GRAPH } from "@tocsin/correlation";
import { silentLogger, systemClock } from "@tocsin/runtime";
import { openStore } from "@tocsin/store";
import { findProgram, POSTGRES_PROGRAMS, startPostgres } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { correlateBatch } from "../src/correlate-batch.ts";
import { createMetrics } from "../src/metrics.ts";
import { createWorkingSets } from "../src/working-sets.ts";
import { alertOf, machine, progress, say, servicesOf } from "./load/workload.ts";

const BATCH = Number(process.env["TOCSIN_BENCH_BATCH"] ?? 500);
const ALERTS = Number(process.env["TOCSIN_BENCH_ALERTS"] ?? 30_000);

async function measure(subject: string, order: "together" | "spread", url: string): Promise<void> {
  const store = await openStore({ url, log: silentLogger });
  try {
    const sets = createWorkingSets({
      config: DEFAULT_CORRELATION,
      graph: () => EMPTY_GRAPH,
      now: () => systemClock.now(),
      onReload: () => {},
    });
    const options = { sql: store.sql, sets, config: DEFAULT_CORRELATION, clock: systemClock, metrics: createMetrics(new Registry()) };
    const services = servicesOf(ALERTS);
    const start = systemClock.now() - 600_000;
    const together = Array.from({ length: ALERTS }, (_, n) => (n % 50) * services + Math.floor(n / 50)).filter((n) => n < ALERTS);
    const all = Array.from({ length: ALERTS }, (_, n) => n);
    const phases = [
      [`new, ${order}`, (order === "spread" ? all : together).map((n) => alertOf(n, services, start + Math.floor(n / services) * 1_000))],
      [
        `resolved, ${order}`,
        all.filter((n) => n % 2 === 0).map((n) => alertOf(n, services, start + Math.floor(n / services) * 1_000, start + 300_000)),
      ],
      [`fires again, ${order}`, all.filter((n) => n % 2 === 0).map((n) => alertOf(n, services, start + 400_000))],
    ] as const;
    for (const [name, alerts] of phases) {
      const before = performance.now();
      for (let from = 0; from < alerts.length; from += BATCH) await correlateBatch(alerts.slice(from, from + BATCH), options);
      const ms = performance.now() - before;
      say({
        suite: "persisted",
        case: name,
        subject,
        metric: "throughput",
        value: Math.round((alerts.length / ms) * 1_000),
        unit: "alerts/s",
        n: alerts.length,
      });
    }
    const { rows } = await store.sql.query<{ count: number }>("SELECT count(*) AS count FROM incidents");
    say({
      suite: "persisted",
      case: `new, ${order}`,
      subject,
      metric: "incidents",
      value: rows[0]?.count,
      unit: "incidents",
      n: ALERTS,
      expected: services,
    });
  } finally {
    await store.close();
  }
}

machine("persisted", { batch: BATCH, alerts: ALERTS, membersPerIncident: 50 });
const only = process.argv[2];
if (only !== "postgres") {
  progress("PGlite");
  for (const order of ["together", "spread"] as const) await measure("tocsin on PGlite", order, "embedded:memory");
}
if (only !== "pglite") {
  if (POSTGRES_PROGRAMS.some((name) => findProgram(name) === undefined)) progress("Postgres is not installed: left out");
  else {
    progress("Postgres");
    const postgres = await startPostgres({ fsync: "on" });
    try {
      for (const order of ["together", "spread"] as const) await measure("tocsin on Postgres", order, await postgres.createDatabase(order));
    } finally {
      await postgres.stop();
    }
  }
}
