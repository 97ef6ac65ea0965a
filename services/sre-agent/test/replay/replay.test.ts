import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@tocsin/runtime";
import { openStore, type Store } from "@tocsin/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { investigate } from "../../src/investigate.ts";
import { agentDeps, modelThat, seedIncident, wellSystem } from "../fakes.ts";

const CLI = new URL("../../src/cli/replay.ts", import.meta.url).pathname;
let folder: string;
let before: unknown;

const open = () => openStore({ url: `embedded:${join(folder, "store")}`, log: silentLogger });
async function everything(store: Store) {
  const tables = ["incidents", "investigations", "evidence", "event_log", "runs", "approvals", "llm_calls", "jobs"];
  const counts: Record<string, unknown> = {};
  for (const table of tables) {
    const { rows } = await store.sql.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM information_schema.tables WHERE table_name = $1`,
      [table],
    );
    if (rows[0]?.n === 0) continue;
    counts[table] = (
      await store.sql.query<{ all: string }>(`SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) AS all FROM ${table} t`)
    ).rows[0]?.all;
  }
  return counts;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tocsin-replay-"));
  const store = await open();
  await seedIncident(store, "inc_old");
  const adviser = modelThat(() => ({ reply: { json: { doubts: [], order: [], contrast: [] } } }));
  await investigate(
    await agentDeps(store, { ...wellSystem(), illFor: 60 }, { adviser, config: { adviseBelow: 1 } }),
    "inc_old",
    "it opened",
    undefined,
  );
  before = await everything(store);
  await store.close();
});
afterAll(() => rm(folder, { recursive: true }));

function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, err })));
}

test("an old incident is gone through with another model, the difference and the cost are printed, and the store is as it was", async () => {
  const script = join(folder, "script.json");
  const fact = { text: "The error ratio of payments rose.", evidence: ["e1"] };
  const usage = { inputTokens: 1_000, outputTokens: 100 };
  await writeFile(
    script,
    JSON.stringify([
      {
        match: { prompt: "hypothesis" },
        reply: { json: { doubts: [{ candidate: "c1", because: "weak", evidence: ["e1"] }], order: [], contrast: [] }, usage },
      },
      { match: { prompt: "narrate" }, reply: { json: { short: fact, sentences: [fact] }, usage } },
    ]),
  );
  const { code, out, err } = await run(
    "--incident",
    "inc_old",
    "--llm",
    `scripted:${script}`,
    "--store",
    `embedded:${join(folder, "store")}`,
    "--json",
  );
  expect(code, err).toBe(0);
  const line = JSON.parse(out) as { differences: { what: string; was: string; is: string }[]; calls: number; costUsd: number };
  expect(line).toMatchObject({ incident: "inc_old", round: 1, calls: 2, dropped: 0 });
  const of = (what: string) => line.differences.find((each) => each.what === what);
  expect(of("verdict")).toEqual({ what: "verdict", was: "cause", is: "cause" });
  expect(of("cause 1")?.was).toMatch(/^payments \(change\) \d+ %$/);
  expect(of("cause 1")?.is).not.toBe(of("cause 1")?.was);
  expect(of("in short")).toMatchObject({ was: "—", is: fact.text });
  const store = await open();
  expect(await everything(store)).toEqual(before);
  await store.close();
});

test("without an incident or a model it says how it is used", async () => {
  const { code, err } = await run("--incident", "inc_old");
  expect(code).toBe(2);
  expect(err).toContain("usage: npm run replay");
});
