// The same facts about remembered incidents, with pgvector and without it.
import { beforeAll, expect, test } from "vitest";
import type { Store } from "../../src/database.ts";
import { EMBEDDING_DIMENSIONS, recallIncidents, rememberIncident } from "../../src/repositories/recall.ts";

const AT = "2026-01-01T10:00:00.000Z";

/** A direction `angle` away from the first axis, in degrees. */
const direction = (angle: number): number[] =>
  Array.from({ length: EMBEDDING_DIMENSIONS }, (_, i) =>
    i === 0 ? Math.cos((angle * Math.PI) / 180) : i === 1 ? Math.sin((angle * Math.PI) / 180) : 0,
  );

export function recallFacts(store: () => Store, by: () => "pgvector" | "exact"): void {
  const insert = async (id: string, state: string, angle: number, scope = "recalled") => {
    const { sql } = store();
    await sql.query(
      `INSERT INTO incidents (id, scope, title, state, severity, service, verdict, diagnosis, started_at, last_alert_at)
       VALUES ($1, $2, 'Memory grows', $3, 'critical', 'payments', 'cause', $4::jsonb, $5, $5)`,
      [id, scope, state, JSON.stringify({ causes: [{ service: "payments", kind: "resource", confidence: 0.8 }] }), AT],
    );
    await rememberIncident(sql, id, { embedding: direction(angle), marks: [`angle:${angle}`] }, AT);
  };
  const recall = async (leastSimilarity = 0.5) =>
    recallIncidents(store().sql, { incidentId: "rec_now", embedding: direction(0), leastSimilarity, limit: 3 });

  beforeAll(async () => {
    await insert("rec_now", "investigating", 0);
    await insert("rec_near", "closed", 10);
    await insert("rec_far", "escalated", 50);
    await insert("rec_opposite", "closed", 180);
    await insert("rec_open", "open", 5);
    await insert("rec_elsewhere", "closed", 0, "another");
    await store().sql.query("UPDATE incidents SET merged_into = 'rec_near' WHERE id = 'rec_open'");
  });

  test("the most alike comes first; neither itself, nor open ones, nor those of another scope are recalled", async () => {
    const { items, by: how } = await recall();
    expect(how).toBe(by());
    expect(items.map(({ incident }) => incident.id)).toEqual(["rec_near", "rec_far"]);
    expect(items[0]?.similarity).toBeCloseTo(Math.cos(Math.PI / 18), 4);
    expect(items[0]).toMatchObject({ marks: ["angle:10"], cause: { service: "payments", kind: "resource" }, runs: [] });
  });

  test("below the least likeness nothing is recalled", async () => {
    expect((await recall(0.999)).items).toEqual([]);
  });

  test("what was done and what a person said of it comes along, as it is now", async () => {
    const { sql } = store();
    await sql.query(
      `INSERT INTO runs (id, incident_id, runbook, title, digest, parameters, state, requested_by)
       VALUES ('rec_run', 'rec_near', 'restart', 'Restart', 'sha256:0', '{}', 'succeeded', 'sre-agent')`,
    );
    await sql.query("INSERT INTO feedback (incident_id, is_right, note, said_by, said_at) VALUES ('rec_near', false, '', 'ada', $1)", [AT]);
    expect((await recall()).items[0]).toMatchObject({ runs: [{ runbook: "restart", state: "succeeded" }], wasRight: false });
  });

  test("remembered again, an incident is what it was last like", async () => {
    await rememberIncident(store().sql, "rec_far", { embedding: direction(1), marks: ["angle:1"] }, AT);
    expect((await recall()).items[0]).toMatchObject({ incident: { id: "rec_far" }, marks: ["angle:1"] });
  });
}
