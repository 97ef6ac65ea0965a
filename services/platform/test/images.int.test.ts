// The Dockerfile and the proxies, for real: an image built from it by a real daemon, run as the compose file runs it, and acted on through the
// proxy. Nothing is pulled: the two base images are build arguments, and here they are made of this machine's own Node.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, globSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { silentLogger } from "@tocsin/runtime";
import { openTargets, type TargetPort } from "@tocsin/targets";
import {
  eventually,
  findProgram,
  freePort,
  giveUp,
  importBusybox,
  importNodeBase,
  lacks,
  type RunningDockerd,
  type RunningProcess,
  startDockerd,
  startProcess,
} from "@tocsin/testkit";
import Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../..", import.meta.url));
const name = `tocsin-test-${randomBytes(4).toString("hex")}`;
const IMAGES = { runtime: `${name}/runtime:1`, build: `${name}/build:1`, bridge: `${name}/bridge:1`, tools: `${name}/tools:1` };
const TOKEN = "0123456789abcdef0123";

/** The program of the pinned pnpm, which an installation brings along for this machine. */
function pnpmProgram(): string {
  const scope = join(realpathSync(join(root, "node_modules/pnpm")), "../@pnpm");
  const exe = readdirSync(scope).find((folder) => folder.startsWith("exe."));
  if (exe === undefined) throw new Error(`no program of pnpm in ${scope}`);
  return join(scope, exe, "pnpm");
}

/** A store that holds what one service needs and nothing else: filled as an online build would fill it, from the same lockfile. */
async function fillStore(service: string, folder: string): Promise<string> {
  const manifests = join(folder, "manifests");
  const store = join(folder, "store");
  mkdirSync(manifests);
  const lock = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc"];
  for (const file of [...lock, ...globSync(["{packages,services,deploy}/*/package.json", "packages/*/patches/*"], { cwd: root })])
    cpSync(join(root, file), join(manifests, file), { recursive: true });
  const options = ["--prod", "--frozen-lockfile", "--prefer-offline", "--ignore-scripts", "--filter", `@tocsin/${service}...`];
  await run(pnpmProgram(), ["install", ...options, "--store-dir", store], { cwd: manifests });
  return store;
}

describe.skipIf(lacks("dockerd", "docker", "busybox", "haproxy"))("an image of a service", { timeout: 120_000 }, () => {
  let daemon: RunningDockerd;
  let docker: Docker;
  let folder: string;
  let stages: readonly string[] = [];
  let port: number;
  let container: Docker.Container;
  let proxy: RunningProcess;
  let proxyUrl: string;
  let targets: TargetPort;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tocsin-images-"));
    daemon = await startDockerd();
    docker = new Docker({ socketPath: daemon.socketPath });
    const { socketPath } = daemon;
    const store = await fillStore("bridge", folder);
    await Promise.all([
      importNodeBase(socketPath, {}, { name: IMAGES.runtime }),
      importBusybox(socketPath, { name: IMAGES.tools }),
      importNodeBase(
        socketPath,
        { shell: true, programs: { pnpm: pnpmProgram() } },
        // The age of releases was checked when the lockfile was made; without a network there is nobody to ask again.
        {
          name: IMAGES.build,
          folders: [store],
          changes: ["store_dir=/store", "offline=true", "minimum_release_age=0"].map((set) => `ENV pnpm_config_${set}`),
        },
      ),
    ]);
    const args = Object.entries({ SERVICE: "bridge", RUNTIME_IMAGE: IMAGES.runtime, BUILD_IMAGE: IMAGES.build });
    const { stdout } = await run(
      findProgram("docker") as string,
      ["build", "--network=none", "--force-rm", `--file=${join(root, "deploy/docker/Dockerfile")}`, `--tag=${IMAGES.bridge}`].concat(
        args.map(([key, value]) => `--build-arg=${key}=${value}`),
        root,
      ),
      { env: { PATH: process.env["PATH"], HOME: folder, DOCKER_HOST: `unix://${socketPath}`, DOCKER_BUILDKIT: "0" }, maxBuffer: 1e8 },
    );
    stages = [...stdout.matchAll(/^ ---> ([0-9a-f]{12})$/gm)].map(([, id]) => id as string);
    port = await freePort();
    container = await docker.createContainer({
      name,
      Image: IMAGES.bridge,
      Env: [`TOCSIN_PORT=${port}`, `TOCSIN_API_TOKEN=${TOKEN}`, "TOCSIN_STORE_URL=embedded:/data/store"],
      Labels: { "tocsin.managed": "true", "tocsin.service": name },
      // Sooner than the image asks, so that the test need not wait.
      Healthcheck: { Test: ["CMD", "node", "health-check.mjs"], Interval: 2e9, Timeout: 5e9, Retries: 3, StartPeriod: 60e9 },
      HostConfig: {
        NetworkMode: "host", // this daemon has no other
        Init: true,
        ReadonlyRootfs: true,
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges:true"],
        Memory: 2 * 1024 ** 3, // PGlite takes a gigabyte for a moment when it makes its folder, which counts as well
        PidsLimit: 128,
        Tmpfs: { "/tmp": "mode=1777,size=32m", "/data": "uid=10001,size=256m" },
      },
    });
    await container.start();

    const proxyPort = await freePort();
    proxyUrl = `http://127.0.0.1:${proxyPort}`;
    proxy = await startProcess(
      "haproxy",
      ["-db", "-f", join(root, "deploy/docker-proxy/executor.cfg")],
      async () => (await fetch(`${proxyUrl}/_ping`)).ok,
      { env: { ...process.env, DOCKER_SOCKET: socketPath, PROXY_PORT: String(proxyPort) } },
    );
    targets = await openTargets({ url: `docker+${proxyUrl}`, labUrl: "http://127.0.0.1:1", log: silentLogger });
  }, 420_000);
  afterAll(async () => {
    await targets?.close();
    await proxy?.stop();
    await container?.remove({ force: true, v: true });
    for (const image of Object.values(IMAGES))
      await docker
        ?.getImage(image)
        .remove({ force: true })
        .catch(() => {});
    // The daemon may be somebody's: of what has no name there, only what this build left is removed, the last first.
    for (const id of [...new Set(stages)].reverse())
      await docker
        ?.getImage(id)
        .remove()
        .catch(() => {});
    await daemon?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const stateOf = async () => (await container.inspect()).State;
  const healthy = () =>
    eventually(
      "it is healthy",
      async () => {
        const { Health, Running } = await stateOf();
        if (!Running) giveUp(String(await container.logs({ stdout: true, stderr: true, tail: 30 })));
        return Health?.Status === "healthy" || undefined;
      },
      90_000,
    );

  test("asks for the health itself, as somebody who is not root and with nothing to write to", async () => {
    const { Config } = await docker.getImage(IMAGES.bridge).inspect();
    expect(Config.User).toBe("10001:10001");
    expect((Config as { Healthcheck?: { Test: string[] } }).Healthcheck?.Test).toEqual(["CMD", "node", "health-check.mjs"]);
    await healthy();
    const exec = await container.exec({
      Cmd: [
        "node",
        "-e",
        `const fs = require("fs"); try { fs.writeFileSync("x", ""); } catch (e) { console.log(process.getuid(), e.code) }`,
      ],
      AttachStdout: true,
    });
    const output = await exec.start({});
    const chunks: Buffer[] = [];
    for await (const chunk of output) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toMatch(/10001 (EROFS|EACCES)/);
  });

  test("holds the service and what it needs, and none of the others, tests or secrets", async () => {
    const exec = await container.exec({
      Cmd: [
        "node",
        "-e",
        `const fs = require("fs"); console.log(JSON.stringify([fs.readdirSync("."), fs.readdirSync("services"), fs.readdirSync("packages/bus")]))`,
      ],
      AttachStdout: true,
    });
    let text = "";
    for await (const chunk of await exec.start({ Tty: true })) text += String(chunk);
    const [top, services, bus] = JSON.parse(text.slice(text.indexOf("[["))) as string[][];
    expect(top).toEqual(expect.arrayContaining(["main.ts", "health-check.mjs", "packages", "runbooks", "services"]));
    expect(top).not.toContain(".git");
    expect(services).toEqual(["bridge"]);
    expect(bus).not.toContain("test");
  });

  test("takes an alert: the service works in it", async () => {
    await healthy();
    const alert = { labels: { alertname: "Test", service: "x" }, annotations: {}, startsAt: new Date().toISOString(), status: "firing" };
    const answer = await fetch(`http://127.0.0.1:${port}/webhooks/alertmanager`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ version: "4", groupKey: "g", status: "firing", receiver: "tocsin", alerts: [alert], groupLabels: {} }),
    });
    expect([answer.status, await answer.json()]).toEqual([202, { accepted: 1, duplicates: 0, quarantined: 0 }]);
    expect((await fetch(`http://127.0.0.1:${port}/api/v1/quarantine`)).status).toBe(401);
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toContain('tocsin_bridge_alerts_total{source="alertmanager",outcome="accepted"} 1');
    expect(metrics).toMatch(/^tocsin_store_outbox_lag_seconds 0$/m);
  });

  test("is restarted through the proxy, and seen to be well again", async () => {
    await healthy();
    const { StartedAt } = await stateOf();
    const stop = new AbortController();
    const told: string[] = [];
    const watching = targets.watch?.(({ replica }) => told.push(replica), stop.signal);
    const { after } = await targets.restart(name, { operationId: `${name}:restart`, timeoutMs: 90_000 });
    await eventually("the restart is told of", async () => (told.includes(name) ? true : undefined));
    stop.abort();
    await watching;
    expect(after).toMatchObject({ managed: true, replicas: [{ state: "running", healthy: true }] });
    expect(Date.parse((await stateOf()).StartedAt)).toBeGreaterThan(Date.parse(StartedAt));
    expect(await targets.logs(name, { tail: 100 })).toContain("bridge ready");
  });

  test("one-off containers run through the proxy, output and all", async () => {
    const { Id } = await docker.getImage(IMAGES.tools).inspect();
    const spec = { name: `${name}-one-off`, image: Id, argv: ["echo", "seen through the proxy"], timeoutMs: 30_000, labels: {} };
    const result = await targets.runOneOff(spec);
    expect(result).toMatchObject({ exitCode: 0, output: expect.stringContaining("seen through the proxy") });
    await docker.getContainer(spec.name).remove({ force: true });
  });

  test.each([
    ["POST", "/images/create?fromImage=evil"],
    ["POST", "/build"],
    ["POST", "/v1.41/containers/NAME/exec"],
    ["GET", "/containers/NAME/archive?path=/"],
    ["PUT", "/containers/NAME/archive?path=/"],
    ["GET", "/containers/NAME/export"],
    ["POST", "/containers/NAME/resize"],
    ["POST", "/containers/prune"],
    ["DELETE", "/images/NAME"],
    ["GET", "/volumes"],
    ["POST", "/networks/create"],
    ["GET", "/secrets"],
    ["GET", "/info"],
    ["GET", "/v1.41/containers/..%2F..%2Fsecrets/json"],
    ["POST", "/v1.41//containers/NAME/exec"],
    ["POST", "/containers/NAME/%65xec"],
  ])("the proxy lets no %s %s pass", async (method, path) => {
    expect((await fetch(proxyUrl + path.replace("NAME", name), { method })).status).toBe(403);
  });

  test("the proxy for readers lists containers and changes none", async () => {
    const readPort = await freePort();
    const url = `http://127.0.0.1:${readPort}`;
    const reader = await startProcess(
      "haproxy",
      ["-db", "-f", join(root, "deploy/docker-proxy/read-only.cfg")],
      async () => (await fetch(`${url}/_ping`)).ok,
      { env: { ...process.env, DOCKER_SOCKET: daemon.socketPath, PROXY_PORT: String(readPort) } },
    );
    try {
      const status = async (method: string, path: string) => (await fetch(url + path, { method })).status;
      expect(await status("GET", "/v1.41/containers/json")).toBe(200);
      expect(await status("GET", `/containers/${name}/json`)).toBe(200);
      expect(await status("GET", `/containers/${name}/logs?stdout=1&tail=1`)).toBe(200);
      for (const [method, path] of [
        ["POST", `/containers/${name}/restart`],
        ["POST", "/containers/create"],
        ["DELETE", `/containers/${name}`],
        ["GET", "/images/json"],
        ["POST", `/containers/${name}/attach`],
      ] as const)
        expect(await status(method, path), path).toBe(403);
    } finally {
      await reader.stop();
    }
  });

  test("stops in order within the time that it is given", async () => {
    await healthy();
    const begin = performance.now();
    await container.stop({ t: 25 });
    expect(performance.now() - begin).toBeLessThan(15_000);
    // 0 is a clean stop: not killed (137), not ended by the signal (143).
    expect((await stateOf()).ExitCode).toBe(0);
  });
});
