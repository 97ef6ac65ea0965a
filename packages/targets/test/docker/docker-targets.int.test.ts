import { randomBytes } from "node:crypto";
import { AppError, silentLogger } from "@tocsin/runtime";
import { eventually, importBusybox, lacks, type RunningDockerd, startDockerd } from "@tocsin/testkit";
import Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTargets, type TargetEvent, type TargetPort } from "../../src/index.ts";

// The daemon may be shared with other suites, so every name here is this run's own.
const run = randomBytes(4).toString("hex");
const named = (name: string) => `${name}-${run}`;
const image = (tag: string) => `tocsin-test-${run}:${tag}`;
const codeOf = (error: unknown) => (AppError.is(error) ? error.code : String(error));
let operations = 0;
const options = (operationId = `op-${run}-${++operations}`) => ({ operationId, timeoutMs: 15_000 });

describe.skipIf(lacks("dockerd", "busybox"))("docker targets", () => {
  let daemon: RunningDockerd;
  let docker: Docker;
  let targets: TargetPort;

  /** A service that prints a line and sleeps; ends at once on SIGTERM. */
  async function runService(service: string, labels: Record<string, string> = {}, extra: Docker.ContainerCreateOptions = {}) {
    const container = await docker.createContainer({
      name: `${service}-1`,
      Image: image("2"),
      Labels: { "tocsin.managed": "true", "tocsin.service": service, ...labels },
      ...extra,
      HostConfig: { NetworkMode: "none", ...extra.HostConfig },
    });
    await container.start();
    return container;
  }

  beforeAll(async () => {
    daemon = await startDockerd();
    docker = new Docker({ socketPath: daemon.socketPath });
    targets = await openTargets({ url: `docker://${daemon.socketPath}`, labUrl: "http://127.0.0.1:1", log: silentLogger });
    const program = `trap "exit 0" TERM; echo up as $VERSION; echo to stderr >&2; while :; do sleep 0.1; done`;
    for (const version of ["1", "2"])
      await importBusybox(daemon.socketPath, {
        name: image(version),
        changes: [`ENV VERSION=${version}`, `CMD ${JSON.stringify(["sh", "-c", program])}`],
      });
    await importBusybox(daemon.socketPath, { name: image("broken"), changes: ['CMD ["/bin/absent"]'] });
  });
  afterAll(async () => {
    const all = await docker.listContainers({ all: true });
    for (const item of all)
      if (item.Names.some((name) => name.includes(run))) await docker.getContainer(item.Id).remove({ force: true, v: true });
    for (const tag of ["1", "2", "broken"]) await docker.getImage(image(tag)).remove({ force: true });
    await targets.close();
    await daemon.stop();
  });

  test("tells of what happens to a service's containers as it happens, and of nobody else's", async () => {
    const service = named("watched");
    const stop = new AbortController();
    const told: TargetEvent[] = [];
    const watching = targets.watch?.((event) => told.push(event), stop.signal);
    const stranger = await docker.createContainer({ name: named("stranger"), Image: image("2"), HostConfig: { NetworkMode: "none" } });
    await stranger.start();
    const container = await runService(service);
    const heard = (count: number) => eventually(`${count} events`, async () => (told.length >= count ? true : undefined));
    await heard(2); // created and started
    await container.restart({ t: 1 });
    await heard(4); // died and started
    expect(new Set(told.filter(({ replica }) => replica.includes(run)).map(({ replica }) => replica))).toEqual(new Set([`${service}-1`]));
    stop.abort();
    await watching;
  });

  test("lists a labelled container as a target with its image as revision", async () => {
    const service = named("listed");
    await runService(service, { "tocsin.previous-image": image("1") });
    const target = (await targets.list()).find((candidate) => candidate.id === service);
    expect(target).toMatchObject({
      managed: true,
      revision: image("2"),
      previousRevision: image("1"),
      replicas: [{ id: `${service}-1`, state: "running", healthy: true, restarts: 0 }],
    });
  });

  test("names what there is when a target is unknown", async () => {
    const error = await targets.get(named("nobody")).catch((thrown) => thrown);
    expect(codeOf(error)).toBe("TARGET_UNKNOWN");
    expect(error.details.known).toContain(named("listed"));
  });

  test("refuses to act on a container without the managed label", async () => {
    const service = named("foreign");
    await runService(service, { "tocsin.managed": "false" });
    const before = await targets.get(service);
    expect(codeOf(await targets.restart(service, options()).catch((thrown) => thrown))).toBe("TARGET_UNMANAGED");
    expect(await targets.get(service)).toEqual(before);
  });

  test("restarts once per operation id", async () => {
    const service = named("restarted");
    await runService(service);
    const same = options();
    const [first, second] = await Promise.all([targets.restart(service, same), targets.restart(service, same)]);
    expect(second).toBe(first);
    expect(first.after.replicas[0]?.startedAt).not.toBe(first.before.replicas[0]?.startedAt);
    expect(first.after.replicas[0]?.healthy).toBe(true);
    const third = await targets.restart(service, options());
    expect(third.before.replicas[0]?.startedAt).toBe(first.after.replicas[0]?.startedAt);
  });

  test("stops and starts", async () => {
    const service = named("stopped");
    await runService(service);
    expect((await targets.stop(service, options())).after.replicas[0]).toMatchObject({ state: "exited", healthy: false, exitCode: 0 });
    expect((await targets.start(service, options())).after.replicas[0]).toMatchObject({ state: "running", healthy: true });
  });

  test("rolls back to the recorded image, keeps the data of an anonymous volume, and undoes it", async () => {
    const service = named("rolled");
    const container = await runService(service, { "tocsin.previous-image": image("1") }, { Volumes: { "/data": {} }, Env: ["OWN=kept"] });
    const volume = (await container.inspect()).Mounts[0]?.Name;
    const back = await targets.rollback(service, options());
    expect(back.before.revision).toBe(image("2"));
    expect(back.after).toMatchObject({ revision: image("1"), replicas: [{ healthy: true }] });
    const after = await docker.getContainer(`${service}-1`).inspect();
    expect(after.Mounts[0]?.Name).toBe(volume);
    expect(after.Config.Env).toContain("OWN=kept");
    expect(after.Config.Env).toContain("VERSION=1"); // the image's own, not carried over from the one before

    const undone = await targets.rollback(service, { ...options(), toRevision: back.before.revision });
    expect(undone.after).toMatchObject({ revision: image("2"), previousRevision: image("1") });
    const left = await docker.listContainers({ all: true, filters: { label: [`tocsin.service=${service}`] } });
    expect(left).toHaveLength(1);
  });

  test("goes on with a rollback that a crash cut short between two steps", async () => {
    const service = named("crashed");
    const container = await runService(service, { "tocsin.previous-image": image("1") });
    const { operationId, timeoutMs } = options();
    // What is there after a crash between the two renames: no container of the service's own name.
    await docker.createContainer({
      name: `${service}-1-tocsin-next`,
      Image: image("1"),
      Labels: {
        "tocsin.managed": "true",
        "tocsin.service": service,
        "tocsin.operation": operationId,
        "tocsin.rolled-back-from": image("2"),
      },
      HostConfig: { NetworkMode: "none" },
    });
    await container.stop({ t: 1 });
    await container.rename({ name: `${service}-1-tocsin-prev` });
    const done = await targets.rollback(service, { operationId, timeoutMs });
    expect(done.after).toMatchObject({ revision: image("1"), replicas: [{ id: `${service}-1`, healthy: true }] });
    const left = await docker.listContainers({ all: true, filters: { label: [`tocsin.service=${service}`] } });
    expect(left.map((item) => item.Names)).toEqual([[`/${service}-1`]]);
  });

  test("puts the container back when its successor does not start", async () => {
    const service = named("unbroken");
    await runService(service, { "tocsin.previous-image": image("broken") });
    expect(codeOf(await targets.rollback(service, options()).catch((thrown) => thrown))).toBe("TARGET_FAILED");
    expect(await targets.get(service)).toMatchObject({ revision: image("2"), replicas: [{ state: "running", healthy: true }] });
  });

  test("rolls back to no image that the container's labels do not record", async () => {
    const service = named("pinned");
    await runService(service);
    const rollback = (toRevision?: string) => targets.rollback(service, { ...options(), ...(toRevision ? { toRevision } : {}) });
    expect(codeOf(await rollback().catch((thrown) => thrown))).toBe("TARGET_NO_PREVIOUS");
    expect(codeOf(await rollback(image("1")).catch((thrown) => thrown))).toBe("TARGET_NO_PREVIOUS");
  });

  test("reads the last lines of both streams", async () => {
    const service = named("talker");
    await runService(service);
    const text = await eventually("both lines are logged", async () => {
      const logs = await targets.logs(service, { tail: 10 });
      return logs.includes("up as 2") && logs.includes("to stderr") ? logs : undefined;
    });
    expect(text).toMatch(/^\d{4}-\d\d-\d\dT.* up as 2$/m);
    expect((await targets.logs(service, { tail: 1 })).trim().split("\n")).toHaveLength(1);
  });

  test("measures running replicas", async () => {
    const service = named("measured");
    await runService(service);
    const stats = await targets.stats(service);
    expect(stats["replicas"]).toBe(1);
    expect(stats["memoryBytes"]).toBeGreaterThan(0);
  });

  describe("one-off containers", () => {
    const oneOff = (name: string, argv: readonly string[], timeoutMs = 10_000) => ({
      name: named(name),
      image: image("2"),
      argv,
      timeoutMs,
      labels: { "tocsin.incident": "inc" },
    });

    test("run without rights: an unprivileged user, a read-only root, no network, nothing executable in /tmp", async () => {
      const script = [
        "id -u",
        "touch /x 2>/dev/null && echo root-writable",
        "touch /tmp/x && echo tmp-writable",
        "cat /bin/busybox > /tmp/b && chmod +x /tmp/b 2>/dev/null; /tmp/b echo tmp-executable 2>/dev/null",
        "wget -q -T 1 http://127.0.0.1:1 2>/dev/null && echo network",
        "exit 3",
      ].join("\n");
      const result = await targets.runOneOff(oneOff("hardened", ["sh", "-c", script]));
      expect(result).toEqual({ exitCode: 3, output: "65532\ntmp-writable\n", timedOut: false, resumed: false });
      const { HostConfig: host } = await docker.getContainer(named("hardened")).inspect();
      expect(host).toMatchObject({
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges:true"],
        ReadonlyRootfs: true,
        NetworkMode: "none",
        PidsLimit: 128,
        Memory: 268_435_456,
        MemorySwap: 268_435_456,
        Init: true,
        AutoRemove: false,
        IpcMode: "private",
        Privileged: false,
      });
      expect(host.Binds).toBeNull();
    });

    test("pass arguments as they are, never through a shell", async () => {
      const result = await targets.runOneOff(oneOff("argv", ["echo", "$(id)", "; id", "`id`"]));
      expect(result.output).toBe("$(id) ; id `id`\n");
    });

    test("run once per name: a second call gets the recorded result", async () => {
      const spec = oneOff("once", ["sh", "-c", "echo ran; exit 7"]);
      expect(await targets.runOneOff(spec)).toMatchObject({ exitCode: 7, resumed: false });
      const { State: first } = await docker.getContainer(spec.name).inspect();
      expect(await targets.runOneOff(spec)).toMatchObject({ exitCode: 7, output: "ran\n", resumed: true });
      expect((await docker.getContainer(spec.name).inspect()).State.StartedAt).toBe(first.StartedAt);
    });

    test("are attached to when they run already", async () => {
      const spec = oneOff("attached", ["sh", "-c", "echo begin; sleep 1; echo end"]);
      const first = targets.runOneOff(spec);
      await eventually("it runs", async () => {
        const info = await docker
          .getContainer(spec.name)
          .inspect()
          .catch(() => undefined);
        return info?.State.Running ? true : undefined;
      });
      expect(await targets.runOneOff(spec)).toEqual({ exitCode: 0, output: "begin\nend\n", timedOut: false, resumed: true });
      expect(await first).toMatchObject({ exitCode: 0, resumed: false });
    });

    test("are killed at their deadline, with what they printed until then", async () => {
      const chunks: string[] = [];
      const result = await targets.runOneOff({
        ...oneOff("late", ["sh", "-c", "echo begun; sleep 60"], 1_500),
        onOutput: (text) => chunks.push(text),
      });
      expect(result).toMatchObject({ exitCode: 137, output: "begun\n", timedOut: true });
      expect(chunks.join("")).toBe("begun\n");
    });

    test("are killed when their caller gives up", async () => {
      const caller = new AbortController();
      const spec = oneOff("aborted", ["sh", "-c", "echo begun; sleep 60"]);
      const running = targets.runOneOff({ ...spec, signal: caller.signal, onOutput: () => caller.abort(new Error("red button")) });
      await expect(running).rejects.toThrow("red button");
      expect((await docker.getContainer(spec.name).inspect()).State.Running).toBe(false);
    });

    test("keep the beginning and the end of an output that is too long", async () => {
      const result = await targets.runOneOff(oneOff("loud", ["seq", "1", "100000"]));
      expect(result.output.length).toBeLessThan(70_000);
      expect(result.output).toMatch(/^1\n2\n/);
      expect(result.output).toMatch(/characters left out/);
      expect(result.output).toMatch(/99999\n100000\n$/);
    });

    test("never take over a container of that name that is none", async () => {
      const service = named("taken");
      await runService(service);
      const error = await targets.runOneOff({ ...oneOff("x", ["id"]), name: `${service}-1` }).catch((thrown) => thrown);
      expect(codeOf(error)).toBe("TARGET_FAILED");
      expect((await targets.get(service)).replicas[0]?.state).toBe("running");
    });

    test("may not share the host's network", async () => {
      const error = await targets.runOneOff({ ...oneOff("net", ["id"]), network: "host" }).catch((thrown) => thrown);
      expect(codeOf(error)).toBe("TARGET_UNSUPPORTED");
    });

    test("are reaped when they run past their deadline, and kept while their result may be asked for", async () => {
      const labels = { "tocsin.one-off": "true", "tocsin.deadline": new Date(Date.now() - 1_000).toISOString() };
      const stray = await docker.createContainer({
        name: named("stray"),
        Image: image("2"),
        Labels: labels,
        HostConfig: { NetworkMode: "none" },
      });
      await stray.start();
      expect(await targets.reap()).toBeGreaterThanOrEqual(1);
      expect(await stray.inspect().catch((error) => error.statusCode)).toBe(404);
      expect((await docker.getContainer(named("once")).inspect()).State.ExitCode).toBe(7);
    });
  });

  test("says that the daemon is away, and that trying again may help", async () => {
    const away = await openTargets({ url: "docker:///nowhere/docker.sock", labUrl: "", log: silentLogger });
    const error = await away.ping().catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "TARGET_UNAVAILABLE", retryable: true });
  });
});
