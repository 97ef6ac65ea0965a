// The Prometheus text exposition format, version 0.0.4. Timestamps in it are left aside: a sample is dated by its scrape.
// See prometheus/docs, content/docs/instrumenting/exposition_formats.md.
import { expositionInvalid } from "../errors.ts";
import { METRIC_NAME } from "../promql/labels.ts";

const NAME = /^[A-Za-z_:][A-Za-z0-9_:]*$/;
const MAX_LABELS = 64;
const MAX_VALUE_CHARS = 1_024;

/**
 * Calls `onSample` for each sample line.
 *
 * The series comes as its own text (`name{a="b"}`): a scraper that has seen it before need not take it apart again.
 *
 * @throws AppError `LAB_EXPOSITION_INVALID` with the line
 */
export function parseExposition(text: string, onSample: (series: string, value: number, line: number) => void): void {
  let line = 0;
  for (let start = 0; start < text.length; ) {
    let end = text.indexOf("\n", start);
    if (end < 0) end = text.length;
    line++;
    const first = skipSpace(text, start, end);
    if (first < end && text[first] !== "#") {
      const seriesEnd = endOfSeries(text, first, end);
      if (seriesEnd < 0) throw expositionInvalid(line, "labels are not closed");
      const [value] = text
        .slice(seriesEnd, end)
        .trim()
        .split(/[ \t]+/, 1);
      const number = parseValue(value ?? "");
      if (number === undefined) throw expositionInvalid(line, `not a value: ${JSON.stringify(value?.slice(0, 40))}`);
      onSample(text.slice(first, seriesEnd), number, line);
    }
    start = end + 1;
  }
}

/** The labels of `name{a="b",c="d"}`, the name among them as `__name__`. @throws AppError `LAB_EXPOSITION_INVALID` */
export function parseSeries(series: string, line: number): (readonly [string, string])[] {
  const brace = series.indexOf("{");
  const name = (brace < 0 ? series : series.slice(0, brace)).trim();
  if (!NAME.test(name)) throw expositionInvalid(line, `not a metric name: ${JSON.stringify(name.slice(0, 40))}`);
  const labels: (readonly [string, string])[] = [[METRIC_NAME, name]];
  if (brace < 0) return labels;
  const pattern = /\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,?)/y;
  pattern.lastIndex = brace + 1;
  const end = series.lastIndexOf("}");
  while (series.slice(pattern.lastIndex, end).trim() !== "") {
    const at = pattern.lastIndex;
    const match = pattern.exec(series);
    if (!match) throw expositionInvalid(line, `not a label: ${JSON.stringify(series.slice(at, at + 40))}`);
    const value = unescapeValue(match[2] ?? "");
    if (value.length > MAX_VALUE_CHARS) throw expositionInvalid(line, `label ${match[1]} is longer than ${MAX_VALUE_CHARS} characters`);
    labels.push([match[1] ?? "", value]);
    if (labels.length > MAX_LABELS) throw expositionInvalid(line, `more than ${MAX_LABELS} labels`);
    if (match[3] === "" && series.slice(pattern.lastIndex, end).trim() !== "")
      throw expositionInvalid(line, "a comma is missing between labels");
  }
  return labels;
}

const unescapeValue = (value: string): string =>
  value.includes("\\")
    ? value.replace(/\\(.)/g, (whole, char: string) => (char === "n" ? "\n" : char === "\\" || char === '"' ? char : whole))
    : value;

function parseValue(text: string): number | undefined {
  if (/^[+]?inf(inity)?$/i.test(text)) return Number.POSITIVE_INFINITY;
  if (/^-inf(inity)?$/i.test(text)) return Number.NEGATIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  if (text === "") return undefined;
  const number = Number(text);
  return Number.isNaN(number) ? undefined : number;
}

function skipSpace(text: string, from: number, to: number): number {
  let i = from;
  while (i < to && (text[i] === " " || text[i] === "\t" || text[i] === "\r")) i++;
  return i;
}

/** Where the name and labels end: at the brace that closes, quotes respected, or at the first space; -1 when a brace stays open. */
function endOfSeries(text: string, from: number, to: number): number {
  let inQuotes = false;
  let inBraces = false;
  for (let i = from; i < to; i++) {
    const char = text[i];
    if (inQuotes) {
      if (char === "\\") i++;
      else if (char === '"') inQuotes = false;
    } else if (char === '"') {
      inQuotes = inBraces;
    } else if (char === "{") {
      inBraces = true;
    } else if (char === "}") {
      return i + 1;
    } else if (!inBraces && (char === " " || char === "\t")) {
      // `name {a="b"}` is allowed.
      const next = skipSpace(text, i, to);
      if (text[next] !== "{") return i;
    }
  }
  return inBraces ? -1 : to;
}
