import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** The rows of a CSV file, plain or gzipped, quoted fields included. */
export function readCsv(path: string): string[][] {
  const bytes = readFileSync(path);
  const text = (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    let field: string;
    if (text[at] === '"') {
      let end = at + 1;
      while (end < text.length && !(text[end] === '"' && text[end + 1] !== '"')) end += text[end] === '"' ? 2 : 1;
      field = text.slice(at + 1, end).replaceAll('""', '"');
      at = end + 1;
    } else {
      let end = at;
      while (end < text.length && text[end] !== "," && text[end] !== "\n") end++;
      field = text.slice(at, end).replace(/\r$/, "");
      at = end;
    }
    row.push(field);
    if (text[at] === "\r") at++;
    if (text[at] === "\n" || at >= text.length) {
      rows.push(row);
      row = [];
    }
    at++;
  }
  if (row.length > 0) rows.push(row);
  return rows;
}

/** Rows as records by the names of the first one. */
export function readRecords(path: string): Record<string, string>[] {
  const [names = [], ...rows] = readCsv(path);
  return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? ""])));
}

export const numberOf = (text: string | undefined): number => (text === undefined || text === "" ? Number.NaN : Number(text));
