import type { Alert } from "@tocsin/contracts";
import { silentLogger, systemClock } from "@tocsin/runtime";
import { openStore } from "@tocsin/store";
import { lacks, POSTGRES_PROGRAMS, type RunningPostgres, startPostgres } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { alert } from "../../../packages/correlation/test/alerts.ts";
import { correlateBatch } from "../src/correlate-batch.ts";
import { processOver } from "./support.ts";

const SERVICES = 20;
/** Each alert of each service once: 400 transitions. */
const fleet = (): Alert[] =>
  Array.from({ length: SERVICES * 20 }, (_, n) =>
    alert({ name: "DiskFull", service: `disk${n % SERVICES}`, labels: { pod: `p-${n}` }, at: Math.floor(n / SERVICES) }),
  );

describe.skipIf(lacks(...POSTGRES_PROGRAMS))("on PostgreSQL", () => {
  let postgres: RunningPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres?.stop());

  test("two processes that take the same deliveries at the same time store each transition once", async () => {
    const url = await postgres.createDatabase("twins");
    const stores = await Promise.all([1, 2].map(() => openStore({ url, log: silentLogger })));
    onTestFinished(async () => {
      await Promise.all(stores.map((store) => store.close()));
    });
    const processes = stores.map((store) => processOver(store, systemClock));
    const alerts = fleet();
    const take = async (each: (typeof processes)[number], deliveries: readonly (readonly Alert[])[]) => {
      for (const delivery of deliveries) await correlateBatch(delivery, each, 12);
    };
    const deliveries = Array.from({ length: 8 }, (_, n) => alerts.slice(n * 50, n * 50 + 50));
    // The other one has them in another order, and some of them twice.
    await Promise.all([
      take(processes[0] as never, deliveries),
      take(processes[1] as never, [...deliveries].reverse().concat(deliveries.slice(0, 2))),
    ]);
    const [store] = stores;
    const { rows } = (await store?.sql.query<Record<string, number>>(
      `SELECT (SELECT count(*) FROM alert_transitions) AS transitions, (SELECT count(*) FROM incidents WHERE merged_into IS NULL) AS incidents,
              (SELECT sum(alert_count)::int FROM incidents WHERE merged_into IS NULL) AS counted, (SELECT count(*) FROM incident_members) AS members,
              (SELECT count(*) FROM alerts a WHERE NOT EXISTS (SELECT FROM incident_members m WHERE m.incident_id = a.incident_id AND m.fingerprint = a.fingerprint)) AS strays,
              (SELECT count(*) FROM event_log WHERE data->>'kind' = 'opened') AS opened`,
    )) ?? { rows: [] };
    expect(rows).toEqual([{ transitions: 400, incidents: SERVICES, counted: 400, members: 400, strays: 0, opened: SERVICES }]);
  });

  test("a server that is killed while a delivery is being written has none of it, and all of it when the delivery comes again", async () => {
    const store = await openStore({ url: await postgres.createDatabase("killed"), log: silentLogger });
    onTestFinished(() => store.close());
    const options = processOver(store, systemClock);
    const alerts = fleet();
    let sent = 0;
    const dying = {
      ...options,
      sql: {
        ...store.sql,
        transaction: (work: Parameters<typeof store.sql.transaction>[0]) =>
          store.sql.transaction((tx) =>
            work({
              query(text: string, params?: readonly unknown[]) {
                // Amid the second part: what was sent is under way, what comes is not sent yet.
                if (text.includes("INSERT INTO incident_members") && ++sent === 2) postgres.server().child.kill("SIGKILL");
                return tx.query(text, params);
              },
            } as Parameters<typeof work>[0]),
          ),
      } as typeof store.sql,
    };
    await expect(correlateBatch(alerts, dying, 100)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await postgres.halt("SIGKILL");
    await postgres.resume();
    const count = async () => (await store.sql.query<{ n: number }>("SELECT count(*) AS n FROM alert_transitions")).rows[0]?.n;
    expect(await count()).toBe(0);
    await correlateBatch(alerts, options, 100);
    expect(await count()).toBe(400);
  });
});
