// One service of the lab alone in a real container: what the end-to-end tests with Docker stand on.
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { silentLogger } from "@tocsin/runtime";
import { openTargets, type TargetPort } from "@tocsin/targets";
import { eventually, freePort, importNodeApp, lacks, type RunningDockerd, startDockerd } from "@tocsin/testkit";
import Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PROCESS_FAULTS } from "../src/fleet/process-fault.ts";

const run = randomBytes(4).toString("hex");
const image = (version: string) => `tocsin-lab-${run}:${version}`;
const service = `payments-${run}`;

describe.skipIf(lacks("dockerd"))("a lab service in a container", () => {
  let daemon: RunningDockerd;
  let docker: Docker;
  let targets: TargetPort;
  let base: string;
  let admin: string;

  beforeAll(async () => {
    daemon = await startDockerd();
    docker = new Docker({ socketPath: daemon.socketPath });
    targets = await openTargets({ url: `docker://${daemon.socketPath}`, labUrl: "http://127.0.0.1:1", log: silentLogger });
    const [port, adminPort] = [await freePort(), await freePort()];
    base = `http://127.0.0.1:${port}`;
    admin = `http://127.0.0.1:${adminPort}/faults`;
    const from = fileURLToPath(new URL("..", import.meta.url));
    const app = { sources: `${from}src/fleet`, packages: ["prom-client"], from };
    const program = (version: string, ...more: string[]) =>
      `CMD ${JSON.stringify(["fleet/service.ts", "--name", "payments", "--version", version, "--port", String(port), "--admin-port", String(adminPort), ...more])}`;
    await importNodeApp(daemon.socketPath, app, { name: image("good"), changes: [program("2.8.0")] });
    await importNodeApp(daemon.socketPath, app, { name: image("bad"), changes: [program("2.9.0", "--defect-ratio", "1")] });
    const container = await docker.createContainer({
      name: service,
      Image: image("bad"),
      Labels: { "tocsin.managed": "true", "tocsin.service": service, "tocsin.previous-image": image("good") },
      HostConfig: { NetworkMode: "host" },
    });
    await container.start();
    await serves();
  });
  afterAll(async () => {
    await docker.getContainer(service).remove({ force: true });
    for (const version of ["good", "bad"]) await docker.getImage(image(version)).remove({ force: true });
    await daemon.stop();
  });

  const serves = () => eventually("it serves", async () => ((await fetch(`${base}/healthz`)).ok ? true : undefined));
  const charge = async () => (await fetch(`${base}/charges`, { method: "POST" })).status;
  const options = () => ({ operationId: randomBytes(8).toString("hex"), timeoutMs: 20_000 });

  test("is cured of a bad release by a rollback through Docker", async () => {
    expect(await charge()).toBe(500);
    const { after } = await targets.rollback(service, options());
    expect(after).toMatchObject({ revision: image("good"), replicas: [{ healthy: true }] });
    await serves();
    expect(await charge()).toBe(201);
  });

  test("is cured of a deadlock by a restart through Docker", async () => {
    const injected = await fetch(admin, { method: "POST", body: JSON.stringify({ fault: "hang", seconds: 600 }) });
    expect(injected.status).toBe(202);
    const answers = () => fetch(`${base}/metrics`, { signal: AbortSignal.timeout(500) });
    await eventually("it hangs", () =>
      answers().then(
        () => undefined,
        () => true,
      ),
    );
    expect((await targets.get(service)).replicas[0]?.state).toBe("running");
    await targets.restart(service, { ...options(), timeoutMs: 6_000 });
    await serves();
    expect(await charge()).toBe(201);
    expect(await targets.logs(service, { tail: 50 })).toMatch(/payments 2\.8\.0 listens on port/);
  });

  test("knows only faults of its process", async () => {
    const answer = await fetch(admin, { method: "POST", body: JSON.stringify({ fault: "error-burst", seconds: 5 }) });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual({ code: "FAULT_UNKNOWN", known: [...PROCESS_FAULTS] });
  });
});
