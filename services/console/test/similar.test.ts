import { traceOf } from "@tocsin/diagnosis";
import { silentLogger } from "@tocsin/runtime";
import { EMBEDDING_DIMENSIONS, openStore, rememberIncident, type Store, viewIncident } from "@tocsin/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { similarTo } from "../src/similar.ts";
import { SimilarView } from "../src/views.ts";
import { seedIncident } from "./seed.ts";

let store: Store;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
  const { sql } = store;
  await seedIncident(sql, { id: "now", service: "payments", minute: 9 });
  await seedIncident(sql, { id: "like", service: "payments", state: "closed" });
  await seedIncident(sql, { id: "unlike", service: "cart", state: "closed", minute: 1 });
  await sql.query("UPDATE alerts SET name = 'DiskFull' WHERE incident_id = 'unlike'");
  await sql.query(
    `INSERT INTO runs (id, incident_id, runbook, title, digest, parameters, state, requested_by)
     VALUES ('run_1', 'like', 'restart', 'Restart it', 'sha256:0', '{}', 'succeeded', 'sre-agent')`,
  );
  for (const id of ["like", "unlike"]) {
    const incident = await viewIncident(sql, id);
    const trace = incident && traceOf({ members: incident.members, evidence: [] }, EMBEDDING_DIMENSIONS);
    if (trace) await rememberIncident(sql, id, trace, "2026-01-01T00:10:00.000Z");
  }
});
afterAll(() => store?.close());

test("tells of past incidents that were like it, why, what helped and how often, before it was looked into itself", async () => {
  const similar = SimilarView.parse(await similarTo(store.sql, "now"));
  expect(similar.items).toMatchObject([
    { incident: { id: "like" }, reasons: ["the same alert MemoryGrowing", "alerts on payments"], helped: "Restart it" },
  ]);
  expect(similar.fixes).toEqual([{ runbook: "restart", title: "Restart it", tried: 1, helped: 1 }]);
  expect(similar.text.join(" ")).toContain("What ended it: restart, in 1 of 1 try.");
  expect(similar).not.toHaveProperty("hypothesis");
});

test("of an unknown incident there is nothing to tell", async () => {
  expect(await similarTo(store.sql, "nobody")).toBeUndefined();
});
