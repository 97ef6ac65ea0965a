import { lacks, POSTGRES_PROGRAMS, type RunningPostgres, startPostgres } from "@tocsin/testkit";
import { afterAll, beforeAll, describe } from "vitest";
import { busConformance } from "../conformance.ts";
import { embeddedUnderTest } from "../support/embedded-under-test.ts";
import { BUS_TABLES, postgresSql, type TestSql } from "../support/test-sql.ts";

describe.skipIf(lacks(...POSTGRES_PROGRAMS))("embedded bus on PostgreSQL", () => {
  let postgres: RunningPostgres;
  let sql: TestSql;
  beforeAll(async () => {
    postgres = await startPostgres();
    sql = postgresSql(await postgres.createDatabase("bus"));
    await sql.exec(BUS_TABLES);
  });
  afterAll(async () => {
    await sql.close();
    await postgres.stop();
  });

  busConformance(() =>
    embeddedUnderTest(sql, async () => {
      await postgres.halt();
      return () => postgres.resume();
    }),
  );
});
