// `npm run bench -- persisted`: alerts a second from a delivery to the commit, on PGlite and on real Postgres: the correlator alone, without bus
// and HTTP. Every alert is new, fifty to an incident: `together`, as one fault sends them, or `spread`, so that each batch touches every
// incident. Then half of them resolve and fire again. A scope is decided by one transaction after the other; on Postgres the same is measured
// once more in four scopes, which take turns only within themselves. Beside the wall clock it tells the processor time that an alert costs
// this process and the database: that hardly depends on what else the machine does.
import { readdirSync, readFileSync } from "node:fs";
import { loadavg } from "node:os";
import type { Alert } from "@tocsin/contracts";
import { DEFAULT_CORRELATION, EMPTY_GRAPH } from "@tocsin/correlation";
import { silentLogger, systemClock } from "@tocsin/runtime";
import { openStore } from "@tocsin/store";
import { findProgram, POSTGRES_PROGRAMS, startPostgres } from "@tocsin/testkit";
import { Registry } from "prom-client";
import { correlateBatch } from "../src/correlate-batch.ts";
import { createMetrics } from "../src/metrics.ts";
import { createWorkingSets } from "../src/working-sets.ts";
import { alertOf, machine, progress, say, servicesOf } from "./load/workload.ts";

/** As the module has them by default. */
const BATCH = {
  pglite: Number(process.env["TOCSIN_BENCH_BATCH"] ?? 500),
  postgres: Number(process.env["TOCSIN_BENCH_BATCH"] ?? 2_000),
};
const ALERTS = Number(process.env["TOCSIN_BENCH_ALERTS"] ?? 30_000);

/** What a process and its children have run so far, in microseconds; nothing where the kernel does not tell. */
function microsecondsOf(pid: number | undefined): number {
  if (pid === undefined) return 0;
  let nanoseconds = 0;
  for (const each of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${each}/stat`, "utf8");
      if (each === String(pid) || stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] === String(pid))
        nanoseconds += Number(readFileSync(`/proc/${each}/schedstat`, "utf8").split(" ")[0]);
    } catch {
      // It has ended meanwhile.
    }
  }
  return nanoseconds / 1_000;
}

async function measure(
  subject: string,
  order: "together" | "spread",
  url: string,
  { scopes = 1, serverPid }: { scopes?: number; serverPid?: number | undefined } = {},
): Promise<void> {
  const store = await openStore({ url, log: silentLogger });
  const batch = BATCH[store.engine];
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
      // By service: one alert has one scope.
      const scopeOf = (alert: Alert) => (scopes === 1 ? alert.scope : `scope-${Number(alert.service?.split("-")[1]) % scopes}`);
      const streams = [...Map.groupBy(alerts, scopeOf)].map(([scope, each]) => each.map((alert) => ({ ...alert, scope })));
      const server = microsecondsOf(serverPid);
      const own = process.cpuUsage();
      const before = performance.now();
      await Promise.all(
        streams.map(async (stream) => {
          for (let from = 0; from < stream.length; from += batch) await correlateBatch(stream.slice(from, from + batch), options);
        }),
      );
      const ms = performance.now() - before;
      const { user, system } = process.cpuUsage(own);
      const tell = (metric: string, value: number, unit: string) =>
        say({
          ...{ suite: "persisted", case: scopes === 1 ? name : `${name}, ${scopes} scopes`, subject, metric, value, unit },
          ...{ n: alerts.length, batch, load: Math.round(loadavg()[0] as number) },
        });
      tell("throughput", Math.round((alerts.length / ms) * 1_000), "alerts/s");
      tell("processor time of the correlator", Math.round(((user + system) / alerts.length) * 10) / 10, "us/alert");
      if (serverPid !== undefined)
        tell("processor time of the database", Math.round(((microsecondsOf(serverPid) - server) / alerts.length) * 10) / 10, "us/alert");
    }
    const { rows } = await store.sql.query<{ count: number }>("SELECT count(*) AS count FROM incidents");
    say({
      suite: "persisted",
      case: scopes === 1 ? `new, ${order}` : `new, ${order}, ${scopes} scopes`,
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
      const serverPid = postgres.server().child.pid;
      for (const scopes of [1, 4])
        for (const order of ["together", "spread"] as const)
          await measure("tocsin on Postgres", order, await postgres.createDatabase(`${order}_${scopes}`), { scopes, serverPid });
    } finally {
      await postgres.stop();
    }
  }
}
