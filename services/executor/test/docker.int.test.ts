import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { PolicyConfig } from "@tocsin/runbooks";
import { silentLogger, systemClock } from "@tocsin/runtime";
import { readEventLog, stepsOfRun } from "@tocsin/store";
import { openTargets, type TargetPort } from "@tocsin/targets";
import { importBusybox, lacks, type RunningDockerd, startDockerd } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRedButton } from "../src/red-button.ts";
import { workRun } from "../src/work-run.ts";
import { fakeSignals } from "./support/fake-signals.ts";
import { openWorld, parsed, runbookText, STEPS, type World } from "./support/world.ts";

// Real containers, restarted, rolled back, undone and run once by the executor. Only the signals are made up: they say what the test wants.
const id = randomBytes(4).toString("hex");
const service = `svc-${id}`;
const image = (tag: string) => `tocsin-executor-test-${id}:${tag}`;
const quick = (step: string) => step.replace("soak: 5s", "soak: 300ms").replace("within: 40s", "within: 1500ms");

describe.skipIf(lacks("dockerd", "docker", "busybox"))("the executor on Docker", () => {
  let daemon: RunningDockerd;
  let targets: TargetPort;
  let world: World;
  let runOnce: string;
  const docker = (...args: string[]) => execFileSync("docker", ["-H", `unix://${daemon.socketPath}`, ...args], { encoding: "utf8" }).trim();
  const container = () => JSON.parse(docker("inspect", `${service}-1`))[0];

  beforeAll(async () => {
    daemon = await startDockerd();
    const program = `trap "exit 0" TERM; echo up as $VERSION; while :; do sleep 0.1; done`;
    for (const version of ["1", "2"])
      await importBusybox(daemon.socketPath, {
        name: image(version),
        changes: [`ENV VERSION=${version}`, `CMD ${JSON.stringify(["sh", "-c", program])}`],
      });
    const labels = [
      "--label",
      "tocsin.managed=true",
      "--label",
      `tocsin.service=${service}`,
      "--label",
      `tocsin.previous-image=${image("1")}`,
    ];
    docker("run", "-d", "--name", `${service}-1`, "--network", "none", "-e", "OWN=kept", "--memory", "64m", ...labels, image("2"));
    targets = await openTargets({ url: `docker://${daemon.socketPath}`, labUrl: "http://127.0.0.1:1", log: silentLogger });
    runOnce = docker("image", "inspect", "--format", "{{.Id}}", image("1"));
  });
  afterAll(async () => {
    for (const name of docker("ps", "-aq", "--filter", `name=${id}`).split("\n")) if (name) docker("rm", "-f", "-v", name);
    for (const tag of ["1", "2"]) docker("rmi", "-f", image(tag));
    await targets.close();
    await daemon.stop();
  });

  const books = () => ({
    restart: parsed(runbookText("restart", [STEPS.logs, quick(STEPS.restart)]), "restart"),
    rollback: parsed(runbookText("rollback", [quick(STEPS.rollback)]), "rollback"),
    run: parsed(
      runbookText("run", [
        `id: probe\nverb: container.run\nwith:\n  image: "${runOnce}"\n  argv: [echo, "--", "{{service}}", ";", "reboot", "$(id)"]\nundo: none-required\nverify:\n  soak: 100ms\n  within: 1s\n  checks: [{ signal: up, of: "{{service}}", op: "==", value: 1 }]`,
        `id: look\nverb: target.stats\nwith: { target: "{{service}}" }`,
      ]),
      "run",
    ),
  });

  async function run(book: "restart" | "rollback" | "run", isCured: () => boolean): Promise<string> {
    const all = books();
    const runId = `run_${id}_${book}`;
    world = await openWorld(Object.values(all), PolicyConfig.parse({ autonomy: "L3" }));
    const signals = fakeSignals(systemClock, Date.now() / 1_000);
    signals.now = () => (isCured() ? { up: 1, error_ratio: 0 } : { up: 1, error_ratio: 0.7 });
    await world.incident("inc_1", service);
    await world.request(runId, "inc_1", service, all[book]);
    await workRun(
      {
        ...world.options,
        targets,
        signals,
        clock: systemClock,
        verifyIntervalMs: 100,
        redButton: createRedButton({ sql: world.store.sql, clock: systemClock, pressedByConfig: false, file: undefined }),
      },
      { data: { runId }, signal: new AbortController().signal },
    );
    return runId;
  }

  test("restarts a real container, verifies it, and keeps its last lines", async () => {
    const before = container().State.StartedAt;
    const runId = await run("restart", () => container().State.StartedAt !== before);
    expect(await world.run(runId)).toMatchObject({ state: "succeeded" });
    const steps = await stepsOfRun(world.store.sql, runId);
    expect(steps[0]?.output).toContain("up as 2");
    expect(container().State).toMatchObject({ Running: true });
  });

  test("a rollback that does not help is undone: image, environment, limits and labels are as they were", async () => {
    const shape = () => {
      const { Config, HostConfig, Name } = container();
      return {
        image: Config.Image,
        env: Config.Env.toSorted(),
        cmd: Config.Cmd,
        service: Config.Labels["tocsin.service"],
        Name,
        memory: HostConfig.Memory,
        network: HostConfig.NetworkMode,
      };
    };
    const before = shape();
    const seen = new Set<string>();
    const runId = await run("rollback", () => {
      seen.add(container().Config.Image);
      return false;
    });
    expect((await world.run(runId)).reason).toContain("did not get better");
    expect(await world.run(runId)).toMatchObject({ state: "failed" });
    expect([...seen].sort()).toEqual([image("1"), image("2")]);
    expect(shape()).toEqual(before);
    expect(container().State).toMatchObject({ Running: true });
  });

  test("a one-off container gets its arguments as they are, and its output is told", async () => {
    const runId = await run("run", () => true);
    expect(await world.run(runId), (await world.run(runId)).reason).toMatchObject({ state: "succeeded" });
    const [step] = await stepsOfRun(world.store.sql, runId);
    expect(step?.output).toContain(`-- ${service} ; reboot $(id)`);
    const events = await readEventLog(world.store.sql, { afterSeq: 0, limit: 100 });
    expect(JSON.stringify(events)).toContain(`-- ${service} ; reboot $(id)`);
  });
});
