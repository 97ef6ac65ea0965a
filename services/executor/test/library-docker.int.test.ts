// The library on real containers. First: every runbook whose acts can be undone, as it is shipped but for shorter times, with signals that never get
// better: each service ends field by field as it was. Then: faults that Docker can really have, measured on the containers themselves, cured.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { indexRunbooks, PolicyConfig, planWith, type Runbook } from "@tocsin/runbooks";
import { silentLogger, systemClock } from "@tocsin/runtime";
import { approvalOfRun, decideApproval, insertRequestedRun, stepsOfRun } from "@tocsin/store";
import { openTargets, type TargetPort } from "@tocsin/targets";
import {
  ALERTMANAGER_PROGRAMS,
  eventually,
  findProgram,
  freePort,
  importBusybox,
  importProgram,
  lacks,
  POSTGRES_PROGRAMS,
  type RunningDockerd,
  startDockerd,
  startPostgres,
} from "@tocsin/testkit";
import Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRedButton } from "../src/red-button.ts";
import { openLibrary } from "../src/runbook-library.ts";
import { workRun } from "../src/work-run.ts";
import { type FakeSignals, fakeSignals } from "./support/fake-signals.ts";
import { redisClient } from "./support/redis-client.ts";
import { hastened, parametersOf, stuck } from "./support/stuck.ts";
import { openWorld, type World } from "./support/world.ts";

const execute = promisify(execFile);
const run = randomBytes(4).toString("hex");
const named = (name: string) => `${name}-${run}`;
const image = (tag: string) => `tocsin-library-${run}:${tag}`;
const NETWORK = named("net");
const MEBIBYTE = 1024 ** 2;
/** How long a cure may take to show: Docker itself waits longer after each death of a container before it starts it anew. */
const WITHIN = "60s";
const limits = { globalAtOnce: 50, globalPerHour: 1_000, perServicePerHour: 100, stormIncidents: 1_000 };

describe.skipIf(lacks("dockerd", "busybox", "redis-server", ...POSTGRES_PROGRAMS, ...ALERTMANAGER_PROGRAMS))(
  "the library on Docker",
  () => {
    let daemon: RunningDockerd;
    let docker: Docker;
    let targets: TargetPort;
    let library: readonly Runbook[];
    let world: World;

    /** Programs of a service: how it lives, and how it is ill. */
    const ALIVE = "rm -f /tmp/hang; while :; do [ -f /tmp/hang ] || busybox touch /tmp/alive; sleep 0.1; done";
    const PROGRAMS = {
      good: ALIVE,
      before: `echo the version before; ${ALIVE}`,
      crashes: "echo fatal: no configuration; exit 78",
      // Takes all memory there is, once: what is left of it is a file in the container's layer.
      kills: `if [ ! -f /was-killed ]; then busybox touch /was-killed; exec busybox tail /dev/zero; fi; ${ALIVE}`,
      hungry: `busybox dd if=/dev/zero of=/dev/shm/x bs=1M count=24 2>/dev/null || exit 1; ${ALIVE}`,
      fills: `busybox mkdir -p /scratch; while :; do if [ "$(busybox du -s /scratch | busybox cut -f1)" -lt 1000 ]; then busybox touch /tmp/alive; else echo no space left on device; fi; sleep 0.1; done`,
      resolves: 'while :; do busybox nslookup "$NAME" >/dev/null 2>&1 && echo ok || echo "getaddrinfo ENOTFOUND $NAME"; sleep 0.2; done',
      calls: 'while :; do busybox ping -c 1 -W 1 "$NEIGHBOUR" >/dev/null && busybox touch /tmp/alive; sleep 0.1; done',
    };
    const HEALTH = {
      Test: ["CMD-SHELL", "[ $(( $(busybox date +%s) - $(busybox stat -c %Y /tmp/alive) )) -lt 2 ]"],
      // Each look is a process in the container: more often, a dozen containers would leave the machine little else to do.
      Interval: 1_000_000_000,
      Timeout: 2_000_000_000,
      Retries: 1,
      StartPeriod: 0,
    };

    async function service(name: string, tag: string, extra: Docker.ContainerCreateOptions = {}, start = true): Promise<Docker.Container> {
      const container = await docker.createContainer({
        name: `${name}-1`,
        Image: image(tag),
        ...extra,
        Labels: {
          "tocsin.managed": "true",
          "tocsin.service": name,
          "tocsin.previous-image": image("before"),
          "tocsin.config": "memory,pool-size",
          ...extra.Labels,
        },
        HostConfig: { NetworkMode: "none", ...extra.HostConfig },
      });
      if (start) await container.start();
      return container;
    }
    const inside = async (container: Docker.Container, ...argv: string[]) => {
      const exec = await container.exec({ Cmd: argv, AttachStdout: true });
      const stream = await exec.start({});
      stream.resume();
      await new Promise((resolve) => stream.on("end", resolve));
    };

    /** Looks again and again until it is ended: what signals say is what was seen last. */
    function looking(look: () => Promise<unknown>): () => Promise<void> {
      const ended = new AbortController();
      const looked = (async () => {
        while (!ended.signal.aborted) {
          await look();
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      })();
      return async () => {
        ended.abort();
        await looked;
      };
    }

    /** All fields of all containers of a service that make up how it is declared; without ids, times and counters. */
    async function fieldsOf(name: string) {
      const listed = await docker.listContainers({ all: true, filters: { label: [`tocsin.service=${name}`] } });
      const all = await Promise.all(listed.map(({ Id }) => docker.getContainer(Id).inspect()));
      return all
        .map(({ Id, Name, Config, HostConfig, State, Mounts, NetworkSettings }) => {
          const { "tocsin.operation": _, ...labels } = Config.Labels;
          const { Hostname: __, ...config } = Config;
          const { Binds, ...host } = HostConfig;
          return {
            Name,
            running: State.Running,
            config: { ...config, Labels: labels, Env: Config.Env?.toSorted() },
            // An anonymous volume is carried over by its name; that it is the same one shows in the mounts.
            host: { ...host, Binds: (Binds ?? []).filter((bind) => !/^[0-9a-f]{64}:/.test(bind)) },
            mounts: Mounts.map((mount) => `${mount.Name}:${mount.Destination}:${mount.RW}`).sort(),
            networks: Object.entries(NetworkSettings.Networks ?? {}).map(([network, { Aliases }]) => [
              network,
              (Aliases ?? []).filter((alias: string) => alias !== Id.slice(0, 12)).sort(),
            ]),
          };
        })
        .sort((a, b) => (a.Name < b.Name ? -1 : 1));
    }

    /** Runs a runbook to its end, with a yes to whatever it asks. */
    async function perform(runbook: Runbook, name: string, signals: FakeSignals, parameters: Record<string, string>): Promise<string> {
      const runbooks = [...library.filter(({ id }) => id !== runbook.id), runbook];
      const find = (id: string) => runbooks.find((each) => each.id === id);
      const runId = `run_${run}_${name}`;
      const incidentId = `inc_${name}`;
      const plan = planWith(runbook, parameters);
      if (plan.kind === "refused") throw new Error(plan.reason);
      await world.incident(incidentId, name);
      const wanted = { id: runId, incidentId, runbook: runbook.id, title: runbook.title, digest: plan.digest, parameters: plan.parameters };
      await world.store.sql.transaction((tx) => insertRequestedRun(tx, { ...wanted, requestedBy: "sre-agent", text: "wanted" }));
      const options = {
        ...world.options,
        library: { ...world.options.library, runbooks, texts: indexRunbooks(runbooks), find },
        targets,
        signals,
        clock: systemClock,
        verifyIntervalMs: 150,
        preconditionMs: 8_000,
        redButton: createRedButton({ sql: world.store.sql, clock: systemClock, pressedByConfig: false, file: undefined }),
      };
      const job = { data: { runId }, signal: new AbortController().signal };
      await workRun(options, job);
      const approval = await approvalOfRun(world.store.sql, runId);
      if (approval?.state === "pending") {
        const yes = { id: approval.id, digest: approval.digest, decision: "approve", by: "alice" } as const;
        await world.store.sql.transaction((tx) => decideApproval(tx, yes, systemClock.now()));
        await workRun(options, job);
      }
      return runId;
    }

    const PSQL = join(dirname(realpathSync(findProgram("postgres") ?? "/")), "psql");

    beforeAll(async () => {
      daemon = await startDockerd();
      docker = new Docker({ socketPath: daemon.socketPath });
      targets = await openTargets({ url: `docker://${daemon.socketPath}`, labUrl: "http://127.0.0.1:1", log: silentLogger });
      for (const [tag, program] of Object.entries(PROGRAMS))
        await importBusybox(daemon.socketPath, {
          name: image(tag),
          changes: [`CMD ${JSON.stringify(["sh", "-c", `trap "exit 0" TERM; echo up; ${program}`])}`],
        });
      await importBusybox(daemon.socketPath, { name: image("absent"), changes: ['CMD ["/bin/absent"]'] });
      await docker.createNetwork({ Name: NETWORK, Driver: "bridge" });
      const folder = fileURLToPath(new URL("../../../runbooks", import.meta.url));
      library = (await openLibrary(folder, silentLogger)).runbooks.map((runbook) => hastened(runbook));
      world = await openWorld(library, PolicyConfig.parse({ autonomy: "L3", limits }));
    }, 60_000);
    afterAll(async () => {
      for (const item of await docker.listContainers({ all: true }))
        if (item.Names.some((name) => name.includes(run))) await docker.getContainer(item.Id).remove({ force: true, v: true });
      await docker.getNetwork(NETWORK).remove();
      for (const tag of [...Object.keys(PROGRAMS), "absent", "redis", "psql", "am-good", "am-bad"])
        await docker
          .getImage(image(tag))
          .remove({ force: true })
          .catch(() => {});
      await targets.close();
      await daemon.stop();
    }, 60_000);

    test("every runbook whose acts can be undone leaves its service field by field as it was when it does not help", async () => {
      const undoable = library.filter((runbook) => runbook.steps.some((step) => step.undo !== undefined));
      expect(undoable.length).toBeGreaterThanOrEqual(24);
      const check = async (runbook: Runbook) => {
        const name = named(runbook.id.slice(0, 40));
        const isStart = runbook.steps.some((step) => step.verb === "target.start");
        const container = await service(name, "good", {
          Env: ["OWN=kept"],
          Volumes: runbook.steps.some((step) => step.verb === "target.scale") ? {} : { "/data": {} },
          HostConfig: { NetworkMode: NETWORK, Memory: 64 * MEBIBYTE, RestartPolicy: { Name: isStart ? "no" : "always" } },
        });
        if (isStart) await container.kill();
        const before = await fieldsOf(name);
        const signals = fakeSignals(systemClock, Date.now() / 1_000);
        stuck(signals, runbook, name);
        const runId = await perform(runbook, name, signals, parametersOf(runbook, name));
        const outcome = await world.run(runId);
        expect(`${runbook.id}: ${outcome.state}`, outcome.reason).toBe(`${runbook.id}: failed`);
        expect(outcome.reason, runbook.id).toContain("did not get better");
        expect(await fieldsOf(name), runbook.id).toEqual(before);
        const steps = await stepsOfRun(world.store.sql, runId);
        const undoes = runbook.steps.filter((step) => typeof step.undo === "object").length;
        expect(steps.filter((step) => step.role === "undo" && step.state === "succeeded").length, runbook.id).toBe(undoes);
        await docker.getContainer(`${name}-1`).remove({ force: true, v: true });
      };
      const waiting = [...undoable];
      const worker = async () => {
        for (let next = waiting.pop(); next; next = waiting.pop()) await check(next);
      };
      await Promise.all(Array.from({ length: 6 }, worker));
    }, 150_000);

    interface Illness {
      readonly runbook: string;
      readonly tag: string;
      readonly extra?: Docker.ContainerCreateOptions;
      /** Makes it ill; it is started before, unless it is not meant to run. */
      readonly harm?: (container: Docker.Container) => Promise<unknown>;
      readonly parameters?: Readonly<Record<string, string>>;
      /** What shows, besides the verification, that it was really cured. */
      readonly cured: (container: Docker.ContainerInspectInfo) => unknown;
      readonly expected: unknown;
    }
    const withHealth = (more: Docker.HostConfig = {}): Docker.ContainerCreateOptions => ({
      Healthcheck: HEALTH,
      HostConfig: { NetworkMode: "none", ...more },
    });
    const hang = (container: Docker.Container) => inside(container, "busybox", "touch", "/tmp/hang");
    const ILLNESSES: readonly Illness[] = [
      {
        runbook: "crash-loop-rollback",
        tag: "crashes",
        extra: withHealth({ RestartPolicy: { Name: "always" } }),
        cured: (info) => info.Config.Image,
        expected: image("before"),
      },
      {
        runbook: "bad-release-rollback",
        tag: "absent",
        extra: withHealth(),
        cured: (info) => info.Config.Image,
        expected: image("before"),
      },
      {
        runbook: "oom-killed-start",
        tag: "kills",
        extra: withHealth({ Memory: 24 * MEBIBYTE, MemorySwap: 24 * MEBIBYTE }),
        harm: (container) => container.wait(),
        cured: (info) => info.State.Running,
        expected: true,
      },
      {
        runbook: "memory-limit-raise",
        tag: "hungry",
        extra: withHealth({ Memory: 16 * MEBIBYTE, MemorySwap: 16 * MEBIBYTE, ShmSize: 64 * MEBIBYTE, RestartPolicy: { Name: "always" } }),
        parameters: { memory: "64m" },
        cured: (info) => info.HostConfig.Memory,
        expected: 64 * MEBIBYTE,
      },
      {
        runbook: "hung-restart",
        tag: "good",
        extra: withHealth(),
        harm: hang,
        cured: (info) => info.State.Health?.Status,
        expected: "healthy",
      },
      {
        runbook: "unhealthy-restart",
        tag: "good",
        extra: withHealth(),
        harm: hang,
        cured: (info) => info.State.Health?.Status,
        expected: "healthy",
      },
      {
        runbook: "stopped-start",
        tag: "good",
        extra: withHealth(),
        harm: (container) => container.stop({ t: 1 }),
        cured: (info) => info.State.Running,
        expected: true,
      },
      {
        runbook: "scratch-full-recreate",
        tag: "fills",
        extra: withHealth(),
        harm: async (container) => {
          await inside(container, "busybox", "dd", "if=/dev/zero", "of=/scratch/dump", "bs=1M", "count=2");
          await container.restart({ t: 1 }); // which does not cure it: the layer stays
        },
        cured: (info) => info.State.Health?.Status,
        expected: "healthy",
      },
      {
        runbook: "network-stale-reconnect",
        tag: "calls",
        extra: { Healthcheck: HEALTH, HostConfig: { NetworkMode: NETWORK, CapAdd: ["NET_ADMIN"] } },
        harm: async (container) => inside(container, "busybox", "ip", "link", "set", "eth0", "down"),
        cured: (info) => info.State.Health?.Status,
        expected: "healthy",
      },
    ];

    test.concurrent.each(ILLNESSES)(
      "$runbook cures what it is for, as Docker itself measures it",
      async (illness) => {
        const shipped = library.find((runbook) => runbook.id === illness.runbook);
        if (!shipped) throw new Error("no such runbook");
        const runbook = hastened(shipped, "500ms", WITHIN);
        const name = named(`ill-${illness.runbook}`);
        const { IPAM: addresses } = await docker.getNetwork(NETWORK).inspect();
        const gateway = addresses?.Config?.[0]?.["Gateway"] ?? "";
        const container = await service(name, illness.tag, { ...illness.extra, Env: [`NEIGHBOUR=${gateway}`] }, false);
        await container.start().catch(() => {}); // an image that cannot start is one of the illnesses
        if (illness.tag === "good" || illness.tag === "calls" || illness.tag === "fills")
          await eventually("it is well first", async () => ((await targets.get(name)).replicas[0]?.healthy ? true : undefined), 60_000);
        await illness.harm?.(container);
        const isUp = async () => ((await targets.get(name)).replicas[0]?.healthy ? 1 : 0);
        await eventually("it is ill", async () => ((await isUp()) === 0 ? true : undefined), 60_000);

        // What the platform is told is what Docker says of the container at that moment; there are no requests, so no error ratio.
        let up = 0;
        const stop = looking(async () => {
          up = await isUp().catch(() => 0);
        });
        const signals = fakeSignals(systemClock, Date.now() / 1_000);
        // The smoothed look over minutes (`min_over_time`) shows the illness; latency is what a hung process has.
        signals.now = () => ({ up, latency_p95: up === 1 ? 0.05 : 5 });
        signals.promql = (query) => (query.startsWith("min_over_time(up") ? 0 : undefined);
        const runId = await perform(runbook, name, signals, { ...parametersOf(runbook, name), ...illness.parameters });
        await stop();
        const outcome = await world.run(runId);
        expect(outcome.state, outcome.reason).toBe("succeeded");
        expect(illness.cured(await docker.getContainer(`${name}-1`).inspect())).toEqual(illness.expected);
      },
      120_000,
    );

    test("name-resolution-restart gives a container back the resolver that Docker has for it", async () => {
      const name = named("resolves");
      const container = await service(name, "resolves", {
        Env: [`NAME=${name}-1`],
        HostConfig: { NetworkMode: NETWORK },
      });
      const lines = async (from: number, to: number): Promise<string[]> =>
        String(await container.logs({ stdout: true, since: from as never, until: to as never, follow: false })).match(
          /ok|getaddrinfo .*/g,
        ) ?? [];
      const failing = async (): Promise<number> => {
        const now = Date.now() / 1_000;
        const all = await lines(now - 2, now);
        return all.filter((line) => line !== "ok").length / Math.max(1, all.length);
      };
      await eventually("it resolves", async () => ((await lines(0, Date.now() / 1_000)).includes("ok") ? true : undefined));
      await inside(container, "sh", "-c", "echo nameserver 127.0.0.1 >/etc/resolv.conf");
      let ratio = 0;
      const stop = looking(async () => {
        ratio = await failing().catch(() => ratio);
      });
      await eventually("it does not any more", async () => (ratio > 0.5 ? true : undefined));
      const signals = fakeSignals(systemClock, Date.now() / 1_000);
      signals.now = () => ({ up: 1, ...(ratio === undefined ? {} : { error_ratio: ratio }) });
      signals.logs.lines = async (of, { from, to }) => ({
        value: (await lines(from, to)).map((message) => ({ at: to, service: of, level: message === "ok" ? "info" : "error", message })),
        partial: [],
      });
      const shipped = library.find((runbook) => runbook.id === "name-resolution-restart") as Runbook;
      const runbook = hastened(shipped, "500ms", WITHIN, [["[20s]", "[2s]"]]);
      const runId = await perform(runbook, name, signals, parametersOf(runbook, name));
      await stop();
      expect(await world.run(runId), (await world.run(runId)).reason).toMatchObject({ state: "succeeded" });
      expect(await failing()).toBe(0);
    }, 60_000);

    test("memory-full-restart empties a real Redis that refuses writes, after a person said that it is a cache", async () => {
      const port = await freePort();
      await importProgram(daemon.socketPath, "redis-server", { name: image("redis") });
      const name = named("redis");
      await service(name, "redis", {
        Cmd: ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--maxmemory", "3mb", "--maxmemory-policy", "noeviction"],
        HostConfig: { NetworkMode: "host" },
      });
      const redis = redisClient(port);
      await eventually("it answers", async () => ((await redis.ask("PING").catch(() => "")) === "PONG" ? true : undefined));
      let answer = "";
      for (let i = 0; i < 200 && !answer.startsWith("OOM"); i++) answer = await redis.ask("SET", `key:${i}`, "x".repeat(50_000));
      expect(answer).toContain("OOM command not allowed");
      const share = async () => {
        const info = await redis.ask("INFO", "memory");
        const of = (field: string) => Number(new RegExp(`^${field}:(\\d+)`, "m").exec(info)?.[1]);
        return of("used_memory") / of("maxmemory");
      };
      let used = await share();
      const stop = looking(async () => {
        used = await share().catch(() => Number.NaN);
      });
      const signals = fakeSignals(systemClock, Date.now() / 1_000);
      signals.now = () => ({ up: Number.isNaN(used) ? 0 : 1 });
      signals.promql = (query) => (query.startsWith("max(redis_memory_used_bytes") && !Number.isNaN(used) ? used : undefined);
      const shipped = library.find((runbook) => runbook.id === "memory-full-restart") as Runbook;
      const runbook = hastened(shipped, "500ms", WITHIN);
      const runId = await perform(runbook, name, signals, parametersOf(runbook, name));
      await stop();
      expect(await world.run(runId)).toMatchObject({ state: "succeeded" });
      expect((await approvalOfRun(world.store.sql, runId))?.reason).toContain("it cannot be undone");
      expect(await redis.ask("SET", "key", "value")).toBe("OK");
      redis.close();
    }, 60_000);

    test("connections-exhausted-restart-client frees a real PostgreSQL of the client that holds its connections", async () => {
      const postgres = await startPostgres({ max_connections: "20" });
      try {
        await importProgram(daemon.socketPath, PSQL, { name: image("psql") });
        const at = ["-h", "127.0.0.1", "-p", String(postgres.port), "-U", "postgres"];
        // Takes seventeen connections at its first start and keeps them idle in a transaction; after a restart it needs two.
        const program = `trap "exit 0" TERM; n=17; [ -f /was-started ] && n=2; busybox touch /was-started; i=0
        while [ $i -lt $n ]; do (echo "begin; select 1;"; busybox sleep 600) | psql ${at.join(" ")} & i=$((i+1)); done
        while :; do busybox sleep 0.1; done`;
        const name = named("pg-client");
        await service(name, "psql", { Entrypoint: ["/bin/busybox", "sh", "-c", program], HostConfig: { NetworkMode: "host" } });
        const share = async (): Promise<number> => {
          const query = "select count(*) from pg_stat_activity where backend_type = 'client backend'";
          const { stdout } = await execute(PSQL, [...at, "-Atc", query]);
          return Number(stdout) / 20;
        };
        await eventually("it is full", async () => ((await share().catch(() => 0)) > 0.85 ? true : undefined));
        let used = await share();
        const stop = looking(async () => {
          used = await share().catch(() => used);
        });
        const signals = fakeSignals(systemClock, Date.now() / 1_000);
        signals.promql = (query) => (query.startsWith("sum(pg_stat_activity_count") ? used : undefined);
        const shipped = library.find((runbook) => runbook.id === "connections-exhausted-restart-client") as Runbook;
        const runbook = hastened(shipped, "500ms", WITHIN);
        const runId = await perform(runbook, name, signals, parametersOf(runbook, name));
        await stop();
        expect(await world.run(runId), (await world.run(runId)).reason).toMatchObject({ state: "succeeded" });
        expect(used).toBeLessThan(0.3);
      } finally {
        await docker
          .getContainer(`${named("pg-client")}-1`)
          .remove({ force: true })
          .catch(() => {});
        await postgres.stop();
      }
    }, 60_000);

    test("long-transaction-restart-client ends a transaction of a real PostgreSQL that nobody ends", async () => {
      const postgres = await startPostgres();
      try {
        await importProgram(daemon.socketPath, PSQL, { name: image("psql") });
        const at = ["-h", "127.0.0.1", "-p", String(postgres.port), "-U", "postgres"];
        // Begins and forgets to commit at its first start; after a restart it does nothing of the kind.
        const program = `trap "exit 0" TERM; [ -f /was-started ] || (echo "begin; select 1;"; busybox sleep 600) | psql ${at.join(" ")} &
        busybox touch /was-started; while :; do busybox sleep 0.1; done`;
        const name = named("pg-idle");
        await service(name, "psql", { Entrypoint: ["/bin/busybox", "sh", "-c", program], HostConfig: { NetworkMode: "host" } });
        const longest = async (): Promise<number> => {
          const query =
            "select coalesce(max(extract(epoch from now() - xact_start)), 0) from pg_stat_activity where state = 'idle in transaction'";
          const { stdout } = await execute(PSQL, [...at, "-Atc", query]);
          return Number(stdout);
        };
        let seconds = 0;
        await eventually("it has forgotten", async () => {
          seconds = await longest().catch(() => 0);
          return seconds > 1 ? true : undefined;
        });
        const stop = looking(async () => {
          seconds = await longest().catch(() => seconds);
        });
        const signals = fakeSignals(systemClock, Date.now() / 1_000);
        signals.promql = (query) => (query.startsWith("max(pg_stat_activity_max_tx_duration") ? seconds : undefined);
        const shipped = library.find((runbook) => runbook.id === "long-transaction-restart-client") as Runbook;
        // What takes five minutes takes one second here.
        const runbook = hastened(shipped, "500ms", WITHIN, [
          ["value: 300", "value: 1"],
          ["value: 120", "value: 0.4"],
        ]);
        const runId = await perform(runbook, name, signals, parametersOf(runbook, name));
        await stop();
        expect(await world.run(runId), (await world.run(runId)).reason).toMatchObject({ state: "succeeded" });
        expect((await approvalOfRun(world.store.sql, runId))?.reason).toContain("migration or a backup");
        expect(await longest()).toBe(0);
      } finally {
        await docker
          .getContainer(`${named("pg-idle")}-1`)
          .remove({ force: true })
          .catch(() => {});
        await postgres.stop();
      }
    }, 60_000);

    test("alertmanager-bad-config-rollback takes a configuration away that a real Alertmanager does not load", async () => {
      const port = await freePort();
      // Debian's build wants its templates where it was told to look for them.
      const templates = "/usr/share/prometheus/alertmanager";
      const begin = `busybox mkdir -p ${dirname(templates)}; busybox ln -s /${basename(templates)} ${templates}
      printf 'route: {receiver: none}\\nreceivers: [{name: none}]\\n' >/tmp/am.yml`;
      const run = `exec prometheus-alertmanager --config.file=/tmp/am.yml --storage.path=/tmp/data --web.listen-address=127.0.0.1:${port} --cluster.listen-address=`;
      // The new version brings a route to a receiver that there is not: what runs keeps the old configuration and says that it could not take the new one.
      const spoil = `(until busybox wget -qO /dev/null http://127.0.0.1:${port}/-/ready; do busybox sleep 0.1; done
      echo 'route: {receiver: nobody}' >/tmp/am.yml; busybox kill -HUP 1) &`;
      for (const [tag, script] of [
        ["am-good", `${begin}\n${run}`],
        ["am-bad", `${begin}\n${spoil}\n${run}`],
      ] as const)
        await importProgram(daemon.socketPath, "prometheus-alertmanager", {
          name: image(tag),
          folders: [templates],
          changes: [`ENTRYPOINT ${JSON.stringify(["/bin/busybox", "sh", "-c", script])}`],
        });
      const name = named("alertmanager");
      const container = await service(name, "am-bad", {
        Labels: { "tocsin.previous-image": image("am-good") },
        HostConfig: { NetworkMode: "host" },
      });
      const loaded = async (): Promise<number | undefined> => {
        const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
        const value = /^alertmanager_config_last_reload_successful (\d)/m.exec(text)?.[1];
        return value === undefined ? undefined : Number(value);
      };
      let now: number | undefined;
      const stop = looking(async () => {
        now = await loaded().catch(() => undefined);
      });
      try {
        await eventually("it could not load the new configuration", async () => (now === 0 ? true : undefined));
        const signals = fakeSignals(systemClock, Date.now() / 1_000);
        signals.now = () => ({ up: now === undefined ? 0 : 1 });
        signals.promql = (query) => (query.startsWith("min(alertmanager_config_last_reload_successful") ? now : undefined);
        const shipped = library.find((runbook) => runbook.id === "alertmanager-bad-config-rollback") as Runbook;
        const runbook = hastened(shipped, "500ms", WITHIN);
        const runId = await perform(runbook, name, signals, parametersOf(runbook, name));
        expect(await world.run(runId), (await world.run(runId)).reason).toMatchObject({ state: "succeeded" });
        expect(await loaded()).toBe(1);
        expect((await docker.getContainer(`${name}-1`).inspect()).Config.Image).toBe(image("am-good"));
        await expect(container.inspect()).rejects.toThrow(/no such container/i);
      } finally {
        await stop();
      }
    }, 60_000);
  },
);
