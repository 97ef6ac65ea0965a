import { randomBytes } from "node:crypto";
import { AppError, silentLogger } from "@tocsin/runtime";
import { importBusybox, lacks, type RunningDockerd, startDockerd } from "@tocsin/testkit";
import Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTargets, type TargetPort } from "../../src/index.ts";

// What changes a service beyond starting and stopping: configuration, limits, replicas, making anew, networks; and one replica at a time.
const run = randomBytes(4).toString("hex");
const named = (name: string) => `${name}-${run}`;
const image = (tag: string) => `tocsin-change-${run}:${tag}`;
let operations = 0;
const options = (timeoutMs = 8_000) => ({ operationId: `op-${run}-${++operations}`, timeoutMs });
const thrown = (error: unknown) => (AppError.is(error) ? error : expect.fail(String(error)));

describe.skipIf(lacks("dockerd", "busybox"))("docker targets, changed", () => {
  let daemon: RunningDockerd;
  let docker: Docker;
  let targets: TargetPort;

  async function runReplica(service: string, number: number, extra: Docker.ContainerCreateOptions = {}): Promise<Docker.Container> {
    const container = await docker.createContainer({
      name: `${service}-${number}`,
      Image: image("good"),
      ...extra,
      Labels: {
        "tocsin.managed": "true",
        "com.docker.compose.service": service,
        "com.docker.compose.project": "shop",
        "com.docker.compose.container-number": String(number),
        ...extra.Labels,
      },
      HostConfig: { NetworkMode: "none", ...extra.HostConfig },
    });
    await container.start();
    return container;
  }
  /** Everything about a service's containers that a person would compare, but not ids, times and the operation that made them. */
  async function shapes(service: string) {
    const listed = await docker.listContainers({ all: true, filters: { label: [`com.docker.compose.service=${service}`] } });
    const all = await Promise.all(listed.map(({ Id }) => docker.getContainer(Id).inspect()));
    return all
      .map(({ Name, Config, HostConfig, State, Mounts, NetworkSettings }) => {
        const { "tocsin.operation": _, ...labels } = Config.Labels;
        return {
          name: Name,
          running: State.Running,
          image: Config.Image,
          env: Config.Env?.toSorted(),
          cmd: Config.Cmd,
          labels,
          limits: { memory: HostConfig.Memory, swap: HostConfig.MemorySwap, cpus: HostConfig.NanoCpus, pids: HostConfig.PidsLimit || null },
          restart: HostConfig.RestartPolicy,
          volumes: Mounts.map(({ Name: volume, Destination }) => `${volume}:${Destination}`).sort(),
          networks: Object.keys(NetworkSettings.Networks ?? {}).sort(),
        };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  beforeAll(async () => {
    daemon = await startDockerd();
    docker = new Docker({ socketPath: daemon.socketPath });
    targets = await openTargets({ url: `docker://${daemon.socketPath}`, labUrl: "http://127.0.0.1:1", log: silentLogger });
    const program = (then: string) => ["sh", "-c", `trap "exit 0" TERM; ${then}`];
    for (const [tag, then] of [
      ["good", "while :; do sleep 0.1; done"],
      ["dies", "sleep 0.2; exit 3"],
    ] as const)
      await importBusybox(daemon.socketPath, { name: image(tag), changes: [`CMD ${JSON.stringify(program(then))}`] });
  });
  afterAll(async () => {
    for (const item of await docker.listContainers({ all: true }))
      if (item.Names.some((name) => name.includes(run))) await docker.getContainer(item.Id).remove({ force: true, v: true });
    for (const tag of ["good", "dies"]) await docker.getImage(image(tag)).remove({ force: true });
    await targets.close();
    await daemon.stop();
  });

  test("sets a limit while the container runs, an environment variable by making it anew, and both back field by field", async () => {
    const service = named("tuned");
    const container = await runReplica(service, 1, {
      Labels: { "tocsin.config": "memory, cpus,POOL_SIZE" },
      Env: ["OWN=kept"],
      Volumes: { "/data": {} },
      HostConfig: { Memory: 64 * 1024 ** 2 },
    });
    const before = await shapes(service);
    const startedAt = (await container.inspect()).State.StartedAt;
    expect((await targets.get(service)).config).toEqual({ memory: String(64 * 1024 ** 2), cpus: null, POOL_SIZE: null });

    const more = await targets.configure(service, { name: "memory", value: "96m" }, options());
    expect(more.after.config).toMatchObject({ memory: String(96 * 1024 ** 2) });
    expect((await container.inspect()).State.StartedAt).toBe(startedAt);
    await targets.configure(service, { name: "memory", value: String(64 * 1024 ** 2) }, options());
    expect(await shapes(service)).toEqual(before);

    const set = await targets.configure(service, { name: "POOL_SIZE", value: "$(id) 40" }, options());
    expect(set.after.config).toMatchObject({ POOL_SIZE: "$(id) 40" });
    expect((await shapes(service))[0]).toMatchObject({
      volumes: before[0]?.volumes,
      env: expect.arrayContaining(["OWN=kept", "POOL_SIZE=$(id) 40"]),
    });
    await targets.configure(service, { name: "POOL_SIZE", value: null }, options());
    expect(await shapes(service)).toEqual(before);

    await targets.configure(service, { name: "cpus", value: "0.5" }, options());
    expect((await shapes(service))[0]?.limits.cpus).toBe(500_000_000);
    await targets.configure(service, { name: "cpus", value: null }, options());
    expect(await shapes(service)).toEqual(before);
  });

  test("sets nothing that the owner's label does not name, and no amount that is none", async () => {
    const service = named("closed");
    await runReplica(service, 1, { Labels: { "tocsin.config": "memory" } });
    const before = await shapes(service);
    for (const change of [
      { name: "POOL_SIZE", value: "40" },
      { name: "cpus", value: "1" },
      { name: "memory", value: "64m --privileged" },
      { name: "memory", value: "1" },
      { name: "memory", value: "-1" },
    ])
      expect(thrown(await targets.configure(service, change, options()).catch((error) => error)).code).toBe("TARGET_CONFIG_REFUSED");
    expect(await shapes(service)).toEqual(before);
  });

  test("scales a compose service by its label and back, the highest numbers first", async () => {
    const service = named("scaled");
    await runReplica(service, 1, { Env: ["OWN=kept"], HostConfig: { Memory: 32 * 1024 ** 2 } });
    const before = await shapes(service);
    const out = await targets.scale(service, 3, options());
    expect(out.after.replicas.map(({ id, healthy }) => [id, healthy])).toEqual([1, 2, 3].map((n) => [`${service}-${n}`, true]));
    const [first, , third] = await shapes(service);
    expect(third).toEqual({
      ...first,
      name: `/${service}-3`,
      labels: { ...first?.labels, "com.docker.compose.container-number": "3" },
    });
    await targets.scale(service, 1, options());
    expect(await shapes(service)).toEqual(before);
    expect(thrown(await targets.scale(service, 0, options()).catch((error) => error)).code).toBe("TARGET_UNSUPPORTED");
  });

  test("makes no sibling of a container that has a port or data of its own", async () => {
    const service = named("single");
    await runReplica(service, 1, { Volumes: { "/data": {} } });
    const error = thrown(await targets.scale(service, 2, options()).catch((failed) => failed));
    expect(error.message).toContain("/data is in a volume of its own");
    expect((await targets.get(service)).replicas).toHaveLength(1);
  });

  test("makes a container anew with the same volumes and settings", async () => {
    const service = named("anew");
    const container = await runReplica(service, 1, { Volumes: { "/data": {} }, Env: ["OWN=kept"] });
    const before = await shapes(service);
    await targets.recreate(service, options());
    expect(await shapes(service)).toEqual(before);
    expect(await container.inspect().catch((error) => error.statusCode)).toBe(404); // another container by the same name
  });

  test("two compose projects with a service of one name are two targets, and the bare name is neither", async () => {
    const service = named("web");
    await runReplica(service, 1);
    await runReplica(service, 2, { Labels: { "com.docker.compose.project": "blog" } });
    const error = thrown(await targets.restart(service, options()).catch((failed) => failed));
    expect(error.code).toBe("TARGET_UNKNOWN");
    expect(error.details["known"]).toEqual(expect.arrayContaining([`shop-${service}`, `blog-${service}`]));
    const done = await targets.restart(`blog-${service}`, options());
    expect(done.before.replicas.map(({ id }) => id)).toEqual([`${service}-2`]);
  });

  test("restarts the ill replicas first and never all at once", async () => {
    const service = named("rolled");
    for (const number of [1, 2, 3]) await runReplica(service, number);
    await docker.getContainer(`${service}-2`).kill();
    const most = { away: 0 };
    let watching = true;
    const watch = (async () => {
      while (watching) {
        const { replicas } = await targets.get(service);
        most.away = Math.max(most.away, replicas.filter(({ healthy }) => !healthy).length);
      }
    })();
    const done = await targets.restart(service, options());
    watching = false;
    await watch;
    expect(done.text).toBe(`restarted ${service} (${service}-2, ${service}-1, ${service}-3); healthy`);
    expect(done.incomplete).toBeUndefined();
    expect(most.away).toBe(1);
  });

  test("stops at the first replica that does not come back, and the undo touches only what was done", async () => {
    const service = named("halted");
    for (const number of [1, 2]) await runReplica(service, number, { Labels: { "tocsin.previous-image": image("dies") } });
    const before = await shapes(service);
    const half = await targets.rollback(service, options(2_500));
    expect(half.incomplete).toBe(`${service}-1 did not come back healthy; left alone: ${service}-2`);
    await docker.getContainer(`${service}-1`).wait();
    expect((await targets.get(service)).replicas.map(({ healthy }) => healthy)).toEqual([false, true]);
    const back = await targets.rollback(service, { ...options(), toRevision: image("good") });
    expect(back.incomplete).toBeUndefined();
    const after = await shapes(service);
    expect(after).toEqual(before);
  });

  test("leaves the last healthy replica alone while another is ill", async () => {
    const service = named("last");
    for (const number of [1, 2]) await runReplica(service, number, { Image: image(number === 1 ? "dies" : "good") });
    const startedAt = (await docker.getContainer(`${service}-2`).inspect()).State.StartedAt;
    await docker.getContainer(`${service}-1`).wait();
    const half = await targets.restart(service, options(1_500));
    expect(half.incomplete).toContain(`left alone: ${service}-2`);
    expect((await docker.getContainer(`${service}-2`).inspect()).State.StartedAt).toBe(startedAt);
  });

  test("leaves and joins its networks again under the same aliases", async ({ skip }) => {
    const network = await docker.createNetwork({ Name: named("net"), Driver: "bridge" }).catch(() => undefined);
    if (!network) return skip("this daemon can make no network");
    const service = named("joined");
    try {
      const container = await runReplica(service, 1, {
        HostConfig: { NetworkMode: named("net") },
        NetworkingConfig: { EndpointsConfig: { [named("net")]: { Aliases: ["shop-db"] } } },
      });
      const before = await shapes(service);
      const endpoint = async () => (await container.inspect()).NetworkSettings.Networks[named("net")];
      const first = await endpoint();
      await targets.reconnect(service, options());
      expect(await shapes(service)).toEqual(before);
      expect((await endpoint())?.EndpointID).not.toBe(first?.EndpointID);
      expect((await endpoint())?.Aliases).toContain("shop-db");
      const elsewhere = named("alone");
      await runReplica(elsewhere, 1);
      expect(thrown(await targets.reconnect(elsewhere, options()).catch((error) => error)).code).toBe("TARGET_UNSUPPORTED");
    } finally {
      await docker
        .getContainer(`${service}-1`)
        .remove({ force: true })
        .catch(() => {});
      await network.remove();
    }
  });
});
