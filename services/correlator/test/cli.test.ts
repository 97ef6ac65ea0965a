import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@tocsin/runtime";
import { openStore } from "@tocsin/store";
import { fakeClock } from "@tocsin/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { alert } from "../../../packages/correlation/test/alerts.ts";
import { processOver } from "./support.ts";

const CLI = new URL("../src/cli/backtest.ts", import.meta.url).pathname;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tocsin-backtest-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function backtest(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, out, err }));
  });
}

test("replays what a store has through changed rules and tells the difference", async () => {
  const url = `embedded:${join(folder, "store")}`;
  const store = await openStore({ url, log: silentLogger });
  const { take } = processOver(store, fakeClock());
  await take(alert({ name: "MemoryGrowing", service: "payments" }), alert({ name: "HighLatency", service: "payments", at: 5 }));
  await take(alert({ name: "MemoryGrowing", service: "payments", endsAt: 60 }));
  await store.close();
  const rules = join(folder, "strict.yaml");
  await writeFile(rules, "correlation: { joinAt: 3 }\n");
  const { code, out, err } = await backtest("--from", "2025-12-31T00:00:00Z", "--rules", rules, "--store", url, "--json");
  expect(err).toMatch(/no topology given/);
  expect({ code, difference: JSON.parse(out) }).toMatchObject({
    code: 0,
    difference: { transitions: 3, incidents: { before: 1, after: 2 }, split: [{}] },
  });
});

test("checks a rule file and names file, line and column of each problem", async () => {
  const file = join(folder, "wrong.yaml");
  await writeFile(file, "correlation:\n  joinAt: much\n");
  expect(await backtest("--lint", file)).toMatchObject({ code: 1, err: expect.stringContaining("wrong.yaml:2:11: correlation.joinAt:") });
  expect(await backtest("--rules", file)).toMatchObject({ code: 2, err: expect.stringContaining("--from and --rules are needed") });
});
