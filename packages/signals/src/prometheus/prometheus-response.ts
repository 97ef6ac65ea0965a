// The envelope of the Prometheus HTTP API. Proxies answer HTML or other JSON with 200, so nothing is believed before it was looked at;
// by hand and not by schema, as an answer may hold a million samples.
import type { Sample, Series } from "@tocsin/contracts";
import { sourceGarbled } from "../errors.ts";
import type { RuleExpression } from "../ports.ts";
import { parseNumber } from "../promql/literals.ts";
import { parseJson } from "../source-request.ts";

const SOURCE = "Prometheus";

export interface PrometheusSuccess {
  readonly data: unknown;
  readonly warnings: readonly string[];
}

/** @throws AppError `SOURCE_GARBLED` unless the body is an envelope that says success */
export function parseEnvelope(body: string): PrometheusSuccess {
  const envelope = parseJson(body, SOURCE);
  if (!isRecord(envelope) || envelope["status"] !== "success" || !("data" in envelope))
    throw sourceGarbled(SOURCE, "no successful envelope", body);
  const warnings = Array.isArray(envelope["warnings"]) ? envelope["warnings"].filter((w) => typeof w === "string") : [];
  return { data: envelope["data"], warnings };
}

/** @throws AppError `SOURCE_GARBLED` unless `data` is a list of texts */
export function namesIn(data: unknown): ReadonlySet<string> {
  if (!Array.isArray(data) || !data.every((name) => typeof name === "string"))
    throw sourceGarbled(SOURCE, "no list of names", describe(data));
  return new Set(data);
}

/**
 * The series of a query's answer, whatever its type; a text has none, native histograms are left out and counted.
 *
 * @throws AppError `SOURCE_GARBLED`
 */
export function seriesIn(data: unknown): { series: Series[]; histograms: number } {
  if (!isRecord(data)) throw sourceGarbled(SOURCE, "no result", describe(data));
  const { resultType, result } = data;
  if (resultType === "string") return { series: [], histograms: 0 };
  if (resultType === "scalar") return { series: [{ labels: {}, samples: [sampleOf(result)] }], histograms: 0 };
  if ((resultType !== "vector" && resultType !== "matrix") || !Array.isArray(result))
    throw sourceGarbled(SOURCE, "no result", describe(data));
  const series: Series[] = [];
  let histograms = 0;
  for (const entry of result) {
    if (!isRecord(entry) || !isRecord(entry["metric"])) throw sourceGarbled(SOURCE, "a series without labels", describe(entry));
    const values = resultType === "vector" ? [entry["value"]] : entry["values"];
    if (entry["histogram"] !== undefined || entry["histograms"] !== undefined) histograms++;
    if (values === undefined || (Array.isArray(values) && values[0] === undefined)) continue;
    if (!Array.isArray(values)) throw sourceGarbled(SOURCE, "a series without values", describe(entry));
    series.push({ labels: labelsOf(entry["metric"]), samples: values.map(sampleOf) });
  }
  return { series, histograms };
}

/** The alerting rules of a name in an answer of `/rules`. @throws AppError `SOURCE_GARBLED` */
export function rulesIn(data: unknown, alertName: string): RuleExpression[] {
  if (!isRecord(data) || !Array.isArray(data["groups"])) throw sourceGarbled(SOURCE, "no groups of rules", describe(data));
  const found: RuleExpression[] = [];
  for (const group of data["groups"]) {
    for (const rule of isRecord(group) && Array.isArray(group["rules"]) ? group["rules"] : []) {
      if (!isRecord(rule) || rule["type"] !== "alerting" || rule["name"] !== alertName || typeof rule["query"] !== "string") continue;
      found.push({ expr: rule["query"], labels: isRecord(rule["labels"]) ? labelsOf(rule["labels"]) : {} });
    }
  }
  return found;
}

function labelsOf(metric: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(metric).map(([name, value]) => [name, String(value)]));
}

function sampleOf(pair: unknown): Sample {
  if (!Array.isArray(pair) || typeof pair[0] !== "number" || typeof pair[1] !== "string")
    throw sourceGarbled(SOURCE, "a sample that is none", describe(pair));
  return [pair[0], parseNumber(pair[1]) ?? Number.NaN];
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const describe = (value: unknown): string => JSON.stringify(value)?.slice(0, 500) ?? "nothing";
