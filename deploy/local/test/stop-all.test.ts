import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { identityOf, isSame, MARK, type ProcessIdentity, processesMarked, signalSame } from "../src/process-identity.ts";
import { readState, type Unit, writeState } from "../src/state-file.ts";
import { statusOf } from "../src/status.ts";
import { stopAll } from "../src/stop-all.ts";

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tocsin-stop-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** A process that does nothing, deaf to SIGTERM when asked. */
async function idler({ marked = false, deaf = false } = {}): Promise<ProcessIdentity> {
  const script = `${deaf ? 'process.on("SIGTERM", () => {});' : ""} process.stdout.write("up"); setInterval(() => {}, 1000);`;
  const env = { ...process.env, ...(marked ? { [MARK]: folder } : {}) };
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"], env });
  children.push(child);
  await once(child.stdout as NonNullable<typeof child.stdout>, "data");
  return identityOf(child.pid as number) as ProcessIdentity;
}
const unit = (id: string, process: ProcessIdentity, kind: "part" | "service" = "service"): Unit => ({
  id,
  kind,
  version: "1",
  address: "http://127.0.0.1:9",
  state: "up",
  restarts: 0,
  process,
});
const gone: ProcessIdentity = { pid: 2 ** 22 - 1, started: "never" };

test("a process is known by its number and its start", async () => {
  const one = await idler();
  expect(isSame(one)).toBe(true);
  const recycled = { ...one, started: "1@another-boot" };
  expect(isSame(recycled)).toBe(false);
  expect(signalSame(recycled, "SIGKILL")).toBe(false);
  expect(isSame(one)).toBe(true);
});

test("what a crashed supervisor left is ended: what the state names, and what only bears the mark", async () => {
  const [noted, part, unnoted] = [await idler(), await idler(), await idler({ marked: true })];
  writeState(folder, {
    supervisor: gone,
    phase: "up",
    progress: [],
    units: [unit("correlator-1", noted), unit("postgres", part, "part")],
  });
  expect(processesMarked(folder).map(({ pid }) => pid)).toEqual([unnoted.pid]);
  expect(await stopAll(folder, () => {})).toBe(3);
  expect([noted, part, unnoted].filter(isSame)).toEqual([]);
  expect(readState(folder)).toBeUndefined();
});

test("a process that was given the number of one of ours is left alone", async () => {
  const stranger = await idler();
  writeState(folder, { supervisor: gone, phase: "up", progress: [], units: [unit("bridge-1", { ...stranger, started: "earlier@boot" })] });
  expect(await stopAll(folder, () => {})).toBe(0);
  expect(isSame(stranger)).toBe(true);
});

test("nothing there is nothing to do, twice as well", async () => {
  expect(await stopAll(folder, () => {})).toBe(0);
  expect(await stopAll(folder, () => {})).toBe(0);
});

test("status says who is gone, who waits and why, and that nobody watches any more", async () => {
  const alive = await idler();
  const status = await statusOf(
    {
      supervisor: gone,
      phase: "up",
      progress: [],
      units: [
        unit("bridge-1", alive),
        unit("executor-1", gone),
        { ...unit("correlator-1", gone), state: "waiting", restarts: 2, lastExit: "ended with exit code 1: no luck", nextStartAt: 5_000 },
      ],
    },
    1_000,
  );
  const health = Object.fromEntries(status.units.map(({ id, health: text }) => [id, text]));
  expect(status).toMatchObject({ well: false, running: true });
  expect(health["bridge-1"]).toMatch(/does not answer/);
  expect(health["executor-1"]).toBe("gone");
  expect(health["correlator-1"]).toBe("ended with exit code 1: no luck; tried again in 4 s (2 so far)");
  expect(health["supervisor"]).toMatch(/nothing is started again/);
});
