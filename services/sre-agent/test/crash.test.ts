import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const CHILD = new URL("crash-child.ts", import.meta.url).pathname;
const FAILPOINTS = [
  "investigate:begun",
  "gather:fetched",
  "gather:saved",
  "diagnose:saved",
  "recall:saved",
  "reason:answered",
  "reason:saved",
  "plan:chosen",
  "plan:saved",
  "narrate:saved",
  "tell:answered",
  "model:asked",
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tocsin-crash-"));
});
afterAll(() => rm(folder, { recursive: true }));

function run(failpoint: string): Promise<{ signal: NodeJS.Signals | null; out: string; err: string }> {
  const child = spawn(process.execPath, [CHILD, join(folder, "store"), failpoint, join(folder, "paid")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  return new Promise((resolve) => {
    child.on("close", (_code, signal) => resolve({ signal, out, err }));
  });
}

interface Report {
  readonly state: string;
  readonly runs: number;
  readonly told: readonly string[];
  readonly reads: number;
  readonly confidence: number;
  readonly narrations: number;
  readonly advised: boolean;
}

test("killed at any boundary, an investigation is finished by the next process with each effect and each paid call once", async () => {
  for (const failpoint of FAILPOINTS) {
    const { signal, err } = await run(failpoint);
    expect(signal, `${failpoint}: ${err}`).toBe("SIGKILL");
  }
  const { out, err } = await run("");
  expect(out, err).not.toBe("");
  const report = JSON.parse(out) as Record<string, Report>;
  expect(Object.keys(report).sort()).toEqual(FAILPOINTS.map((name) => `inc_${name}`).sort());
  const suffixes = (id: string) => (report[id]?.told ?? []).map((each) => each.replace(id, "").replace(/^run_[0-9a-f]+/, "run"));
  const whole = suffixes("inc_narrate:saved");
  expect(whole).toContain(":1:narrate:1");
  const paid = (await readFile(join(folder, "paid"), "utf8")).trim().split("\n");
  const paidFor = (id: string) => paid.filter((line) => line.startsWith(`${id} `)).map((line) => line.slice(id.length + 1));
  // Killed while the model was thinking: it may have been paid for, so it is not asked again, and the round goes on without it.
  const interrupted = report["inc_model:asked"];
  expect(paidFor("inc_model:asked").filter((prompt) => prompt === "hypothesis")).toEqual(["hypothesis"]);
  expect(interrupted).toMatchObject({ state: "mitigating", runs: 1, advised: true });
  const unbroken = report["inc_narrate:saved"];
  expect(interrupted?.confidence).toBeGreaterThan(unbroken?.confidence ?? 1);
  delete report["inc_model:asked"];
  for (const [id, { narrations, confidence }] of Object.entries(report)) {
    expect({ id, paid: paidFor(id) }).toEqual({ id, paid: ["hypothesis", "narrate"] });
    expect({ id, narrations }).toEqual({ id, narrations: 1 });
    expect(confidence).toBeCloseTo(unbroken?.confidence ?? 0, 1);
  }
  for (const [id, { state, runs }] of Object.entries(report)) {
    expect({ id, state, runs }).toEqual({ id, state: "mitigating", runs: 1 });
    expect(suffixes(id)).toEqual(whole);
  }
  // What was gathered before the end is not asked for again.
  expect(report["inc_plan:saved"]?.reads).toBe(0);
}, 240_000); // thirteen processes, each of which opens a database: seconds on an idle machine, a minute on a busy one
