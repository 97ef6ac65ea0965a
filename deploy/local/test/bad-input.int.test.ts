// What people get wrong when they first run Tocsin on servers of their own: one clear line, the exit code, and `/readyz` for what may
// come right by itself. The correlator stands for every service: it needs bus, store and cache's kin alike; the bridge has the cache.
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  eventually,
  freePort,
  KAFKA_PROGRAMS,
  lacks,
  POSTGRES_PROGRAMS,
  type RunningKafka,
  type RunningPostgres,
  type RunningProcess,
  startKafka,
  startPostgres,
  startRedis,
} from "@tocsin/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningService, startService } from "../src/index.ts";
import type { ServiceName } from "../src/services.ts";

const USER = { name: "tocsin", password: "right" };

describe.skipIf(lacks(...POSTGRES_PROGRAMS, ...KAFKA_PROGRAMS, "redis-server", "openssl"))("set up wrongly", { concurrent: true }, () => {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-bad-"));
  const running: RunningService[] = [];
  let postgres: RunningPostgres;
  let kafka: RunningKafka;
  let redis: RunningProcess;
  let redisPort: number;
  let good: Record<string, string>;

  beforeAll(async () => {
    redisPort = await freePort();
    [postgres, kafka, redis] = await Promise.all([
      startPostgres(),
      startKafka({
        user: USER,
        isShortLived: true,
        settings: {
          "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
          "super.users": "User:ANONYMOUS",
        },
      }),
      startRedis(redisPort),
    ]);
    good = {
      TOCSIN_STORE_URL: await postgres.createDatabase("good"),
      TOCSIN_BUS_URL: `kafka://127.0.0.1:${kafka.port}`,
      TOCSIN_CACHE_URL: `redis://127.0.0.1:${redisPort}`,
      TOCSIN_METRICS_URL: "none:",
      TOCSIN_LOGS_URL: "none:",
      TOCSIN_TRACES_URL: "none:",
      TOCSIN_TARGETS_URL: "none:",
    };
    writeFileSync(join(folder, "ca.pem"), kafka.secured?.caPem ?? "");
  }, 120_000);
  afterAll(async () => {
    for (const service of running) service.kill("SIGKILL");
    await Promise.all(running.map(({ exited }) => exited));
    await Promise.all([postgres?.stop(), kafka?.stop(), redis?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  /** @returns its exit code and the line with which it ended */
  async function refused(env: Record<string, string>, service: ServiceName = "correlator"): Promise<{ code: number; line: string }> {
    const error = await startService(service, { env: { ...good, ...env } }).then(
      (started) => {
        running.push(started);
        throw new Error("it runs");
      },
      (reason: Error) => reason,
    );
    const lines = error.message.split("\n").filter((line) => line.startsWith("tocsin: "));
    expect(lines, error.message).toHaveLength(1);
    return { code: Number(/ended with (\d+)/.exec(error.message)?.[1]), line: lines[0] as string };
  }
  async function waits(env: Record<string, string>, service: ServiceName = "correlator") {
    const started = await startService(service, { env: { ...good, ...env } });
    running.push(started);
    const answer = await fetch(`${started.address}/readyz`);
    const { checks } = (await answer.json()) as { checks: Record<string, { up: boolean; error?: string }> };
    return { status: answer.status, checks };
  }
  const secured = (more: Record<string, string> = {}) => ({
    TOCSIN_BUS_URL: `kafka://127.0.0.1:${kafka.secured?.port}`,
    TOCSIN_BUS_TLS: "true",
    TOCSIN_BUS_CA_FILE: join(folder, "ca.pem"),
    TOCSIN_BUS_SASL_MECHANISM: "plain",
    TOCSIN_BUS_USERNAME: USER.name,
    TOCSIN_BUS_PASSWORD: USER.password,
    ...more,
  });

  test("brokers that are not there: the process waits and /readyz names the bus", async () => {
    const { status, checks } = await waits({ TOCSIN_BUS_URL: `kafka://127.0.0.1:${await freePort()}` });
    expect(status).toBe(503);
    expect(checks["bus"]).toMatchObject({ up: false });
    expect(checks["store"]).toMatchObject({ up: true });
  });

  test("brokers that refuse the password, or the rights on a topic, end it with exit code 2", async () => {
    const [password, rights] = await Promise.all([refused(secured({ TOCSIN_BUS_PASSWORD: "wrong" })), refused(secured())]);
    expect(password).toEqual({ code: 2, line: expect.stringMatching(/brokers refuse these credentials.*BUS_AUTH_FAILED/) });
    expect(rights).toEqual({ code: 2, line: expect.stringMatching(/brokers do not allow.*BUS_FORBIDDEN/) });
  });

  test("a certificate that no known authority signed is said as what it is", async () => {
    const { status, checks } = await waits(secured({ TOCSIN_BUS_CA_FILE: "" }));
    expect(status).toBe(503);
    expect(checks["bus"]).toMatchObject({ up: false, error: expect.stringMatching(/certificate/i) });
  });

  test("a topic with too few partitions ends it with exit code 2 and both numbers", async () => {
    await makeTopic(kafka.port, "few.sre-critical", 2);
    expect(await refused({ TOCSIN_BUS_URL: `kafka://127.0.0.1:${kafka.port}?prefix=few.` })).toEqual({
      code: 2,
      line: expect.stringMatching(/topic few\.sre-critical has 2 partitions, fewer than the 8.*BUS_TOPIC_PARTITIONS/),
    });
  });

  test("a database that is away is exit code 1, one that refuses or is newer than the program is 2", async () => {
    const newer = await postgres.createDatabase("newer");
    const older = await startService("gitlab-sync", { env: { ...good, TOCSIN_STORE_URL: newer } });
    await older.stop();
    await sql(newer, "INSERT INTO schema_migrations (name, checksum) VALUES ('9999-tomorrow.sql', 'x')");
    const [away, database, role, tomorrow] = await Promise.all([
      refused({ TOCSIN_STORE_URL: `postgres://postgres@127.0.0.1:${await freePort()}/tocsin` }),
      refused({ TOCSIN_STORE_URL: good["TOCSIN_STORE_URL"]?.replace(/good$/, "absent") ?? "" }),
      refused({ TOCSIN_STORE_URL: good["TOCSIN_STORE_URL"]?.replace("postgres@", "nobody:wrong@") ?? "" }),
      refused({ TOCSIN_STORE_URL: newer }),
    ]);
    expect(away).toEqual({ code: 1, line: expect.stringMatching(/database is away.*ECONNREFUSED.*STORE_UNAVAILABLE/) });
    expect(database).toEqual({ code: 2, line: expect.stringMatching(/"absent" does not exist.*STORE_AUTH_FAILED/) });
    expect(role).toEqual({ code: 2, line: expect.stringMatching(/"nobody" does not exist.*STORE_AUTH_FAILED/) });
    expect(tomorrow).toEqual({ code: 2, line: expect.stringMatching(/newer than this program.*9999-tomorrow.*STORE_MIGRATION_FAILED/) });
  });

  test("a Redis that is away or refuses only takes the cache away, and /readyz says so", async () => {
    const [away, locked] = await Promise.all([
      waits({ TOCSIN_CACHE_URL: `redis://127.0.0.1:${await freePort()}` }, "bridge"),
      (async () => {
        await redisSays("CONFIG SET requirepass secret");
        return await waits({ TOCSIN_CACHE_URL: `redis://:wrong@127.0.0.1:${redisPort}` }, "bridge");
      })(),
    ]);
    expect(away).toMatchObject({ status: 200, checks: { cache: { up: false }, store: { up: true } } });
    expect(locked).toMatchObject({ status: 200, checks: { cache: { up: false, error: expect.stringMatching(/WRONGPASS|NOAUTH/) } } });
  });

  test("an address of an unknown kind names the known ones, whatever it is for", async () => {
    for (const [name, area] of [
      ["STORE", "STORE"],
      ["BUS", "BUS"],
      ["METRICS", "SIGNALS"],
    ] as const) {
      const { code, line } = await refused({ [`TOCSIN_${name}_URL`]: "carrier-pigeon://loft" });
      expect({ code, line }).toEqual({ code: 2, line: expect.stringMatching(new RegExp(`known.*\\(${area}_URL_UNKNOWN_SCHEME\\)`)) });
    }
  });

  async function redisSays(command: string): Promise<void> {
    const socket = connect(redisPort, "127.0.0.1", () => socket.write(`${command}\r\n`));
    const [answer] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    if (!answer.toString().startsWith("+OK")) throw new Error(answer.toString());
  }
});

async function sql(url: string, text: string): Promise<void> {
  const { execFileSync } = await import("node:child_process");
  execFileSync("psql", [url, "-qc", text], { stdio: ["ignore", "pipe", "pipe"] });
}

async function makeTopic(port: number, topic: string, numPartitions: number): Promise<void> {
  const { Kafka, logLevel } = await import("kafkajs");
  const admin = new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions }] });
  await eventually("the topic is there", async () => ((await admin.listTopics()).includes(topic) ? true : undefined));
  await admin.disconnect();
}
