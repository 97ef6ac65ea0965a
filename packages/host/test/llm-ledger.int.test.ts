import type { LlmReply } from "@tocsin/llm";
import { silentLogger } from "@tocsin/runtime";
import { llmLedger, openStore, type Store } from "@tocsin/store";
import { lacks, POSTGRES_PROGRAMS, type RunningPostgres, startPostgres } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const NOW = Date.parse("2026-01-01T10:00:00Z");

describe.skipIf(lacks(...POSTGRES_PROGRAMS))("two processes on one PostgreSQL", () => {
  let postgres: RunningPostgres;
  let stores: Store[] = [];
  beforeAll(async () => {
    postgres = await startPostgres();
    const url = await postgres.createDatabase("ledger");
    stores = [await openStore({ url, log: silentLogger }), await openStore({ url, log: silentLogger })];
  });
  afterAll(async () => {
    for (const store of stores) await store.close();
    await postgres?.stop();
  });

  test("reserve fifty calls at once and get no more than the budget holds", async () => {
    const ledgers = stores.map((store) => llmLedger<LlmReply>(store.sql));
    const limits = [{ scope: "tenant", what: "usd", max: 0.1 }] as const;
    const reserve = (n: number) =>
      ledgers[n % 2]?.reserve(
        {
          callId: `call-${n}`,
          attempt: 1,
          tenant: "t",
          provider: "p",
          model: "m",
          prompt: { name: "narrate", version: 1, hash: "" },
          requestDigest: "",
          reserved: { tokens: 10, usd: 0.01, seconds: 1 },
        },
        limits,
        0,
        NOW,
      );
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => reserve(n)));
    expect(answers.filter((answer) => answer?.kind === "reserved")).toHaveLength(10);
    expect(answers.filter((answer) => answer?.kind === "refused")).toHaveLength(40);
  });

  test("that ask the same at the same time reserve it once", async () => {
    const attempt = {
      callId: "same",
      attempt: 1,
      tenant: "u",
      provider: "p",
      model: "m",
      prompt: { name: "narrate", version: 1, hash: "" },
      requestDigest: "",
      reserved: { tokens: 10, usd: 0.01, seconds: 1 },
    };
    const kinds = (await Promise.all(stores.map((store) => llmLedger<LlmReply>(store.sql).reserve(attempt, [], 0, NOW)))).map(
      ({ kind }) => kind,
    );
    expect(kinds.sort()).toEqual(["reserved", "unfinished"]);
  });
});
