import { silentLogger } from "@tocsin/runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Store } from "../src/database.ts";
import { openStore } from "../src/open-store.ts";
import { recordset } from "../src/recordset.ts";

let store: Store;
beforeAll(async () => {
  store = await openStore({ url: "embedded:memory", log: silentLogger });
});
afterAll(() => store.close());

interface Row {
  readonly name: string;
  readonly labels?: object;
  readonly list?: readonly unknown[];
  readonly at?: string | undefined;
  readonly count?: number | null;
  readonly ms?: number;
  readonly isOn?: boolean;
}

const ROWS = recordset<Row>({
  name: ["text", (row) => row.name],
  labels: ["jsonb", (row) => row.labels],
  list: ["jsonb", (row) => row.list],
  at: ["timestamptz", (row) => row.at],
  count: ["integer", (row) => row.count],
  ms: ["float8", (row) => row.ms],
  '"isOn"': ["boolean", (row) => row.isOn],
});

const through = async (rows: readonly Row[]) =>
  (await store.sql.query(`SELECT t.*, $${ROWS.count + 1}::text AS more FROM ${ROWS.from}`, [...ROWS.params(rows), "m"])).rows;

test("rows arrive as they were, in their order, with parameters behind theirs", async () => {
  const first = {
    name: 'a "quoted" {name}, \\ and \n',
    labels: { x: "1" },
    list: [1, [2], null],
    at: "2026-01-01T00:00:00.123Z",
    count: 7,
    ms: 1.5,
    isOn: true,
  };
  expect(await through([first, { ...first, name: "", list: [], labels: {}, isOn: false }])).toEqual([
    { ...first, more: "m" },
    { ...first, name: "", list: [], labels: {}, isOn: false, more: "m" },
  ]);
});

test("what a row lacks is null, in a jsonb column the null of JSON", async () => {
  const [row] = await through([{ name: "only", count: null, at: undefined }]);
  expect(row).toMatchObject({ name: "only", labels: null, at: null, count: null, ms: null, isOn: null });
});

test("text that PostgreSQL refuses does not stop it", async () => {
  expect(await through([{ name: "a\u0000b\ud800", labels: { "k\u0000": "v\udc00" } }])).toMatchObject([
    { name: "a\ufffdb\ufffd", labels: { "k\ufffd": "v\ufffd" } },
  ]);
});

test("no rows are none", async () => {
  expect(await through([])).toEqual([]);
});
