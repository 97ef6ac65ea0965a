import type { Alert } from "@tocsin/contracts";
import { eventOrder } from "@tocsin/correlation";
import type { Queryable } from "@tocsin/runtime";
import { silentLogger } from "@tocsin/runtime";
import { moveIncident, openStore, type Store } from "@tocsin/store";
import { fakeClock } from "@tocsin/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { alert } from "../../../packages/correlation/test/alerts.ts";
import { correlateBatch, partsOf } from "../src/correlate-batch.ts";
import { forgetEverything, openIncidents, processOver } from "./support.ts";

let store: Store;
const clock = fakeClock();
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store.close());
beforeEach(() => forgetEverything(store));

/** A leak whose symptoms spread, another fault beside it, and what of both resolves and returns: 36 transitions, out of order. */
function storm(): Alert[] {
  const alerts: Alert[] = [];
  for (let i = 0; i < 6; i++) {
    const labels = { pod: `p-${i}` };
    const firing = { name: "MemoryGrowing", service: "payments", severity: "critical", labels, at: i } as const;
    alerts.push(alert(firing), alert({ ...firing, endsAt: 60 + i }), alert({ ...firing, at: 90 + i }));
    alerts.push(alert({ name: "HighErrorRate", service: "checkout", labels, at: 10 + i }));
    alerts.push(alert({ name: "HighLatency", service: "storefront", labels, at: 20 + i }));
    alerts.push(alert({ name: "CpuSpinning", service: "catalog", labels, at: 5 + i }));
  }
  return alerts
    .map((each, at) => ({ each, order: (at * 17) % alerts.length }))
    .sort((a, b) => a.order - b.order)
    .map(({ each }) => each);
}

const TABLES = {
  incidents:
    "SELECT id, title, state, severity, service, started_at, last_alert_at, recovered_at, alert_count, merged_into FROM incidents ORDER BY id",
  members: "SELECT incident_id, fingerprint, role, reasons FROM incident_members ORDER BY incident_id, fingerprint",
  alerts:
    "SELECT fingerprint, status, starts_at, ends_at, outcome, incident_id, reason, flapping, transitions FROM alerts ORDER BY fingerprint",
  transitions: "SELECT dedupe_key, outcome, incident_id, reason FROM alert_transitions ORDER BY dedupe_key",
  pairs: "SELECT a, b, count, seen_at FROM alert_pairs ORDER BY a, b",
  events: "SELECT id, incident_id, data FROM event_log ORDER BY seq",
};

async function stored(on: Queryable = store.sql): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = {};
  for (const [name, query] of Object.entries(TABLES)) found[name] = (await on.query(query)).rows;
  return found;
}

test("each part is twice as large as the one before, and none is smaller than the first", () => {
  const sizes = (length: number) => partsOf(Array.from({ length }), 250).map((part) => part.length);
  expect([0, 1, 499, 500, 749, 750, 2_000].map(sizes)).toEqual([[], [1], [499], [250, 250], [250, 499], [250, 500], [250, 500, 1_250]]);
});

test.each([1, 3, 8, 18])("a delivery whose first part has %d alerts ends as deliveries of its parts would have", async (firstPart) => {
  const alerts = storm();
  await correlateBatch(alerts, processOver(store, clock), firstPart);
  const inParts = await stored();
  await forgetEverything(store);
  const options = processOver(store, clock);
  const parts = partsOf(eventOrder(alerts), firstPart);
  expect(parts.length).toBeGreaterThan(1);
  for (const part of parts) await correlateBatch(part, options, alerts.length);
  expect(inParts).toEqual(await stored());
  expect(inParts["transitions"]).toHaveLength(36);
});

test("a transition that comes again in a later part counts once", async () => {
  const alerts = storm();
  const decisions = await correlateBatch([...alerts, ...structuredClone(alerts)], processOver(store, clock), 7);
  expect(decisions.flatMap((each) => each.alerts).filter(({ effect }) => effect === "duplicate")).toHaveLength(alerts.length);
  const { rows } = await store.sql.query("SELECT 1 FROM alert_transitions");
  expect(rows).toHaveLength(alerts.length);
});

test.each([
  ["second", "alert_transitions", 2],
  ["second", "incident_members", 2],
  ["only", "event_log", 1],
])("when the %s write to %s fails, no part is stored, and the delivery succeeds when it comes again", async (_, table, failingWrite) => {
  const options = processOver(store, clock);
  const alerts = storm();
  let writes = 0;
  const failing = {
    ...options,
    sql: {
      ...store.sql,
      transaction: <T>(work: (tx: Queryable) => Promise<T>): Promise<T> =>
        store.sql.transaction((tx) =>
          work({
            async query(text: string, params?: readonly unknown[]) {
              const fails = text.includes(`INSERT INTO ${table} `) && ++writes === failingWrite;
              return tx.query(fails ? text.replace(table, `${table}_gone`) : text, params);
            },
          } as Queryable),
        ),
    } as Store["sql"],
  };
  await expect(correlateBatch(alerts, failing, 12)).rejects.toMatchObject({ message: expect.stringContaining(`${table}_gone`) });
  expect(Object.values(await stored()).flat()).toEqual([]);
  await correlateBatch(alerts, options, 12);
  const again = await stored();
  await forgetEverything(store);
  await correlateBatch(alerts, processOver(store, clock), 12);
  expect(again).toEqual(await stored());
});

test("an incident that others closed is found closed by the part that comes to it; earlier parts stay as they are", async () => {
  const options = processOver(store, clock);
  const leak = { name: "MemoryGrowing", service: "payments", severity: "critical" } as const;
  await correlateBatch([alert(leak), alert({ ...leak, endsAt: 30 })], options);
  const [closed] = await openIncidents(store);
  await store.sql.transaction((tx) =>
    moveIncident(tx, { source: "/test", nowMs: clock.now(), text: "done", incidentId: closed?.id as string, to: "closed", from: ["open"] }),
  );
  const spinning = { name: "CpuSpinning", service: "catalog" } as const;
  const batch = [alert({ ...spinning, at: 40 }), alert({ ...spinning, at: 41, labels: { pod: "b" } }), alert({ ...leak, at: 60 })];
  await correlateBatch(batch, options, 1);
  expect((await openIncidents(store)).map(({ title, alert_count }) => [title, alert_count])).toEqual([
    ["catalog: CpuSpinning (+1 symptom)", 2],
    ["payments: MemoryGrowing", 1],
  ]);
  const { rows } = await store.sql.query("SELECT 1 FROM alert_transitions");
  expect(rows).toHaveLength(5);
});
