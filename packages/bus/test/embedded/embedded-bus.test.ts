import { afterAll, beforeAll, describe } from "vitest";
import { busConformance } from "../conformance.ts";
import { embeddedUnderTest } from "../support/embedded-under-test.ts";
import { BUS_TABLES, pgliteSql, type TestSql } from "../support/test-sql.ts";

describe("embedded bus on PGlite", () => {
  let sql: TestSql;
  beforeAll(async () => {
    sql = await pgliteSql();
    await sql.exec(BUS_TABLES);
  });
  afterAll(() => sql.close());

  busConformance(() =>
    embeddedUnderTest(sql, async (refuse) => {
      refuse(true);
      return async () => refuse(false);
    }),
  );
});
