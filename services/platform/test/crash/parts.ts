import {
  freePort,
  KAFKA_PROGRAMS,
  POSTGRES_PROGRAMS,
  type RunningKafka,
  type RunningPostgres,
  type RunningProcess,
  startKafka,
  startPostgres,
  startRedis,
} from "@tocsin/testkit";
import pg from "pg";

export const PARTS_PROGRAMS = [...KAFKA_PROGRAMS, ...POSTGRES_PROGRAMS, "redis-server"];

/** The engines that the services share, and a way to look into the database from outside. */
export interface Parts {
  readonly kafka: RunningKafka;
  readonly postgres: RunningPostgres;
  readonly redis: { halt(): Promise<void>; resume(): Promise<void> };
  /** Settings by which a service finds them. */
  readonly env: Readonly<Record<string, string>>;
  rows<Row extends pg.QueryResultRow>(text: string, params?: readonly unknown[]): Promise<Row[]>;
  stop(): Promise<void>;
}

/** @param isShortLived for a test; a measurement wants all of the engines' speed */
export async function startParts(isShortLived = false): Promise<Parts> {
  const redisPort = await freePort();
  const [kafka, postgres, firstRedis] = await Promise.all([
    startKafka({ isShortLived }),
    startPostgres({ max_connections: "300" }),
    startRedis(redisPort),
  ]);
  const url = await postgres.createDatabase("tocsin");
  let redis: RunningProcess = firstRedis;
  const pool = new pg.Pool({ connectionString: url, max: 3, application_name: "oracle" });
  pool.on("error", () => {}); // the server is taken away on purpose
  return {
    kafka,
    postgres,
    redis: {
      halt: () => redis.stop("SIGKILL"),
      async resume() {
        redis = await startRedis(redisPort);
      },
    },
    env: {
      TOCSIN_BUS_URL: `kafka://127.0.0.1:${kafka.port}`,
      TOCSIN_STORE_URL: url,
      TOCSIN_CACHE_URL: `redis://127.0.0.1:${redisPort}`,
      TOCSIN_METRICS_URL: "none:",
      TOCSIN_LOGS_URL: "none:",
      TOCSIN_TRACES_URL: "none:",
      TOCSIN_TARGETS_URL: "none:",
    },
    rows: async <Row extends pg.QueryResultRow>(text: string, params: readonly unknown[] = []) =>
      (await pool.query<Row>(text, [...params])).rows,
    async stop() {
      await pool.end();
      await Promise.all([kafka.stop(), postgres.stop(), redis.stop("SIGKILL")]);
    },
  };
}
