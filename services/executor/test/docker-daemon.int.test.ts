import { execFileSync } from "node:child_process";
import { PolicyConfig } from "@tocsin/runbooks";
import { silentLogger, systemClock } from "@tocsin/runtime";
import { stepsOfRun } from "@tocsin/store";
import { openTargets, type TargetPort } from "@tocsin/targets";
import { eventually, importBusybox, lacks, type OwnDockerd, startOwnDockerd } from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRedButton } from "../src/red-button.ts";
import { workRun } from "../src/work-run.ts";
import { fakeSignals } from "./support/fake-signals.ts";
import { openWorld, parsed, runbookText, STEPS, type World } from "./support/world.ts";

// The Docker daemon ends while it restarts a container for a step.
const restart = parsed(
  runbookText("restart", [STEPS.restart.replace("soak: 5s", "soak: 300ms").replace("within: 40s", "within: 5s")]),
  "restart",
);

/** What the container prints when it gets its TERM. */
const TOLD = "told to stop";

describe.skipIf(lacks("dockerd", "docker", "busybox"))("a Docker daemon that dies in the middle of a step", () => {
  let daemon: OwnDockerd;
  let targets: TargetPort;
  let world: World;
  const docker = (...args: string[]) => execFileSync("docker", ["-H", `unix://${daemon.socketPath}`, ...args], { encoding: "utf8" }).trim();
  const state = () => JSON.parse(docker("inspect", "stubborn-1"))[0].State as { Running: boolean; StartedAt: string };

  beforeAll(async () => {
    daemon = await startOwnDockerd();
    // It takes its time to stop, so that the daemon can die in between.
    const program = `trap "echo ${TOLD}; sleep 4; exit 0" TERM; while :; do sleep 0.1; done`;
    await importBusybox(daemon.socketPath, { name: "stubborn:1", changes: [`CMD ${JSON.stringify(["sh", "-c", program])}`] });
    const labels = ["--label", "tocsin.managed=true", "--label", "tocsin.service=stubborn"];
    docker("run", "-d", "--name", "stubborn-1", "--network", "none", ...labels, "stubborn:1");
    targets = await openTargets({ url: `docker://${daemon.socketPath}`, labUrl: "http://127.0.0.1:1", log: silentLogger });
  });
  afterAll(async () => {
    await targets.close();
    docker("rm", "-f", "stubborn-1");
    await daemon.stop();
  });

  test("the step's outcome is looked at, told, and never tried again", async () => {
    world = await openWorld([restart], PolicyConfig.parse({ autonomy: "L3" }));
    const signals = fakeSignals(systemClock, Date.now() / 1_000);
    const startedAt = state().StartedAt;
    signals.now = () => ({ up: 1, error_ratio: 0.7 });
    await world.incident("inc_1", "stubborn");
    await world.request("run_1", "inc_1", "stubborn", restart);
    const asked: string[] = [];
    const counted: TargetPort = {
      ...targets,
      restart: (id, options) => {
        asked.push(options.operationId);
        return targets.restart(id, options);
      },
    };
    const options = {
      ...world.options,
      targets: counted,
      signals,
      clock: systemClock,
      verifyIntervalMs: 100,
      redButton: createRedButton({ sql: world.store.sql, clock: systemClock, pressedByConfig: false, file: undefined }),
    };
    const work = () => workRun(options, { data: { runId: "run_1" }, signal: new AbortController().signal });
    const working = work();
    await eventually("the daemon is in the middle of the step", () => (docker("logs", "stubborn-1").includes(TOLD) ? true : undefined));
    await daemon.halt();
    await daemon.resume();
    await working;

    const run = await world.run("run_1");
    const [step] = await stepsOfRun(world.store.sql, "run_1");
    const { Running: isRunning, StartedAt: last } = state();
    // Whatever the daemon made of it, which may have started the container anew and then ended it with itself: what is said is true.
    expect(["succeeded", "failed", "unknown"]).toContain(run.state);
    if (run.state === "unknown") {
      expect(step).toMatchObject({ state: "unknown" });
      expect(run.reason).toContain("nothing shows whether it happened");
    } else expect(last, `${run.state}: ${run.reason}`).not.toBe(startedAt);
    if (run.state === "succeeded") expect(isRunning).toBe(true);
    const after = state().StartedAt;
    await work(); // a job that comes again
    expect(asked).toEqual(["run_1:0"]);
    expect(state().StartedAt).toBe(after);
  }, 120_000);
});
