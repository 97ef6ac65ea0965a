// Rows for a statement that writes many of them at once, sent as one JSON array for each column. The server takes such arrays apart in two
// thirds of the time that one array of objects costs it, where each row repeats its keys and each value is looked up by one; and an array
// literal, which it reads as quickly, costs this process twice as much to write.
import { jsonText } from "./values.ts";

/** The type of a column, and what a row has for it; undefined is null, in a `jsonb` column the null of JSON. */
export type Column<Row> = readonly [type: "text" | "jsonb" | "timestamptz" | "boolean" | "integer" | "float8", of: (row: Row) => unknown];

export interface Recordset<Row> {
  /** Goes behind FROM and is called `t`; its columns have the names they were given. Takes the parameters from `$1` on. */
  readonly from: string;
  /** How many parameters it takes. */
  readonly count: number;
  params(rows: readonly Row[]): string[];
}

/** @param columns in an order of their own; a name in quotes keeps its capitals */
export function recordset<Row>(columns: Readonly<Record<string, Column<Row>>>): Recordset<Row> {
  const all = Object.entries(columns);
  const elements = all.map(([, [type]], at) => `jsonb_array_elements${type === "jsonb" ? "" : "_text"}($${at + 1}::jsonb)`);
  const typed = all.map(([name, [type]], at) => `c${at}${type === "jsonb" || type === "text" ? "" : `::${type}`} AS ${name}`);
  return {
    from: `(SELECT ${typed.join(", ")} FROM ROWS FROM (${elements.join(", ")}) AS c (${all.map((_, at) => `c${at}`).join(", ")})) AS t`,
    count: all.length,
    params: (rows) => all.map(([, [, of]]) => jsonText(rows.map((row) => of(row) ?? null))),
  };
}
