import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError, silentLogger } from "@tocsin/runtime";
import { eventually, freePort } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { exitCodeOf } from "../src/errors.ts";
import { defineModule } from "../src/module.ts";
import { startHost } from "../src/run-host.ts";

const NONE = { TOCSIN_TARGETS_URL: "none:", TOCSIN_METRICS_URL: "none:", TOCSIN_LOGS_URL: "none:", TOCSIN_TRACES_URL: "none:" };

function recorder() {
  const steps: string[] = [];
  const module = (name: string, start?: () => void, when?: () => boolean) =>
    defineModule({
      name,
      config: z.object({ greeting: z.string().default("hello") }),
      needs: ["http"],
      ...(when === undefined ? {} : { when }),
      async start({ config, http, onStop, onReady }) {
        steps.push(`start ${name}`);
        onStop("undo", () => steps.push(`stop ${name}`));
        onReady(async () => void steps.push(`ready ${name} ${http.address !== ""}`));
        await http.mount(`/${name}`, async (app) => void app.get("/", async () => config));
        start?.();
      },
    });
  return { steps, module };
}

test("starts modules in order, listens last and stops in reverse", async () => {
  const { steps, module } = recorder();
  const host = await startHost({
    modules: [module("one"), module("two")],
    env: { ...NONE, TOCSIN_PORT: "0", TOCSIN_ONE_GREETING: "hi" },
    log: silentLogger,
  });
  expect(await (await fetch(`${host.address}/one/`)).json()).toEqual({ greeting: "hi" });
  await host.stop();
  await host.stop();
  expect(steps).toEqual(["start one", "start two", "ready one true", "ready two true", "stop two", "stop one"]);
});

test("when a module cannot start, what stands already is stopped and the error names the module", async () => {
  const { steps, module } = recorder();
  const broken = module("two", () => {
    throw new Error("no luck");
  });
  await expect(
    startHost({ modules: [module("one"), broken], env: { ...NONE, TOCSIN_PORT: "0" }, log: silentLogger }),
  ).rejects.toMatchObject({
    code: "MODULE_START_FAILED",
    message: "two could not start: no luck",
  });
  expect(steps).toEqual(["start one", "start two", "stop two", "stop one"]);
});

test("a module that is not wanted here is left out unless it is named", async () => {
  const { steps, module } = recorder();
  const modules = [module("one"), module("lab", undefined, () => false)];
  await (await startHost({ modules, env: { ...NONE, TOCSIN_PORT: "0" }, log: silentLogger })).stop();
  expect(steps).not.toContain("start lab");
  await (await startHost({ modules, env: { ...NONE, TOCSIN_PORT: "0", TOCSIN_MODULES: "lab" }, log: silentLogger })).stop();
  expect(steps).toContain("start lab");
  await expect(startHost({ modules, env: { TOCSIN_MODULES: "moon" }, log: silentLogger })).rejects.toMatchObject({
    code: "HOST_MODULE_UNKNOWN",
    details: { known: ["one", "lab"] },
  });
});

test("an address of a scheme that nobody knows names the known ones", async () => {
  const store = defineModule({ name: "m", config: z.object({}), needs: ["store"], start: async () => {} });
  const start = (env: Record<string, string>) =>
    startHost({ modules: [store], env: { ...NONE, TOCSIN_PORT: "0", ...env }, log: silentLogger });
  await expect(start({ TOCSIN_STORE_URL: "mysql://h/db" })).rejects.toSatisfy(
    (error) => AppError.is(error) && exitCodeOf(error) === 2 && error.message.includes("postgres"),
  );
});

describe("as a process", () => {
  let folder: string;
  let taken: Server;
  let program: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tocsin-host-"));
    program = join(fileURLToPath(new URL(".", import.meta.url)), "fixture-main.ts");
    writeFileSync(join(folder, "a-file"), "");
    taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
  });
  afterAll(() => {
    taken.close();
    rmSync(folder, { recursive: true });
  });

  async function run(env: Record<string, string>, args: string[] = []): Promise<{ code: number | null; out: string; err: string }> {
    const child = spawn(process.execPath, [program, ...args], {
      env: { PATH: process.env["PATH"], ...NONE, TOCSIN_LOG_LEVEL: "silent", ...env } as NodeJS.ProcessEnv,
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString();
    });
    const [code] = (await once(child, "close")) as [number | null];
    return { code, out, err };
  }

  test("wrong set-up is one clear line and exit code 2", async () => {
    const port = String((taken.address() as { port: number }).port);
    const store = join(folder, "a-file", "store");
    for (const [env, said] of [
      [{ TOCSIN_PORT: port, TOCSIN_STORE_URL: `embedded:${join(folder, "own")}` }, /in use already.*HTTP_PORT_TAKEN/],
      [
        { TOCSIN_PORT: "x", TOCSIN_HOST: "", TOCSIN_API_TOKEN: "short" },
        /2 settings are wrong:\n {2}TOCSIN_PORT is "x".*\n {2}TOCSIN_API_TOKEN has a wrong value/,
      ],
      [{ TOCSIN_HOST: "0.0.0.0" }, /TOCSIN_API_TOKEN/],
      [{ TOCSIN_PORT: "0", TOCSIN_STORE_URL: `embedded:${store}` }, /STORE_FOLDER_UNUSABLE/],
    ] as const) {
      const { code, err } = await run(env);
      expect(err).toMatch(said);
      expect(code).toBe(2);
    }
  });

  test("answers what it was asked without starting anything", async () => {
    expect(await run({}, ["--list-modules"])).toMatchObject({ code: 0, out: "fixture\n" });
    expect(await run({}, ["--check-config"])).toMatchObject({ code: 0, out: "configuration is good\n" });
    expect(await run({ TOCSIN_PORT: "-1" }, ["--check-config"])).toMatchObject({ code: 2 });
    expect((await run({ TOCSIN_STORE_URL: "postgres://me:secret@h/d" }, ["--print-config"])).out).toContain("postgres://me:[redacted]@h/d");
    expect(await run({}, ["--moon"])).toMatchObject({ code: 2, err: expect.stringContaining("--help shows") });
    expect((await run({}, ["--help"])).out).toContain("TOCSIN_STORE_URL");
  });

  test("SIGTERM stops in order with exit code 0, and a part that fails for good ends it with 1 and its name", async () => {
    const port = await freePort();
    const child = spawn(process.execPath, [program], {
      env: {
        PATH: process.env["PATH"],
        ...NONE,
        TOCSIN_LOG_LEVEL: "silent",
        TOCSIN_PORT: String(port),
        TOCSIN_STORE_URL: "embedded:memory",
      } as NodeJS.ProcessEnv,
    });
    await eventually("it listens", async () => ((await fetch(`http://127.0.0.1:${port}/livez`)).ok ? true : undefined), 30_000);
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.kill("SIGTERM");
    expect(await once(child, "close")).toEqual([0, null]);
    expect(out).toBe("fixture stopped\n");

    const failing = await run({ TOCSIN_PORT: "0", TOCSIN_STORE_URL: "embedded:memory", TOCSIN_FIXTURE_FAIL: "true" });
    expect(failing).toMatchObject({ code: 1, err: "tocsin: fixture failed: the part broke\n", out: "fixture stopped\n" });
  });
});
