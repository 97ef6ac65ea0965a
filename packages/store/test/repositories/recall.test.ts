import { silentLogger } from "@tocsin/runtime";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Store } from "../../src/database.ts";
import { openStore } from "../../src/open-store.ts";
import { EMBEDDING_DIMENSIONS } from "../../src/repositories/recall.ts";
import { prepareVectors } from "../../src/vector-extension.ts";
import { recallFacts } from "./recall-facts.ts";

let store: Store;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store?.close());
const clean = () => store.sql.query("DELETE FROM feedback; DELETE FROM runs; DELETE FROM incident_memory; DELETE FROM incidents");

describe("with pgvector", () => {
  recallFacts(
    () => store,
    () => "pgvector",
  );
});

describe("without pgvector", () => {
  beforeAll(async () => {
    await clean();
    await store.sql.query("DROP EXTENSION vector CASCADE");
  });
  recallFacts(
    () => store,
    () => "exact",
  );

  test("made ready anew it is there again, with what was remembered meanwhile", async () => {
    for (let time = 0; time < 2; time++) expect(await prepareVectors(store.sql, EMBEDDING_DIMENSIONS, silentLogger)).toBe("pgvector");
    const { rows } = await store.sql.query("SELECT count(*) AS n FROM incident_memory");
    expect(rows[0]?.["n"]).toBeGreaterThan(3);
  });
});
