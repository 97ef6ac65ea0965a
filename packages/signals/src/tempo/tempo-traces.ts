import type { EdgeStats, Span } from "@tocsin/contracts";
import { sourceGarbled, tempoQueryFailed } from "../errors.ts";
import { notableOf } from "../notable-spans.ts";
import { answerOr, missing } from "../partial.ts";
import type { QueryOptions, TracesPort, Window } from "../ports.ts";
import { isRecord } from "../prometheus/prometheus-response.ts";
import { quoteLabelValue } from "../promql/quote.ts";
import { parseJson, requestText } from "../source-request.ts";
import { sourceAddress } from "../source-url.ts";

export interface TempoOptions {
  readonly url: string;
  readonly tenant?: string;
  /** A span that takes longer counts as slow. Default 1,000 ms. */
  readonly slowMs?: number;
}

const SOURCE = "Tempo";
const MAX_BYTES = 5 * 1024 * 1024;
const MAX_TRACES = 100;
const SPANS_PER_TRACE = 20;
const BY = "by (resource.service.name, span.peer.service)";

export function createTempoTraces(options: TempoOptions): TracesPort {
  const { base, headers } = sourceAddress(options.url, options.tenant);
  const { slowMs = 1_000 } = options;

  async function get(path: string, parameters: Record<string, string>, asked: QueryOptions): Promise<unknown> {
    const url = `${base}${path}?${new URLSearchParams(parameters)}`;
    const { status, text } = await requestText({
      source: SOURCE,
      url,
      headers: { accept: "application/json", ...headers },
      maxBytes: MAX_BYTES,
      ...asked,
    });
    if (status !== 200) throw tempoQueryFailed(parameters["q"] ?? path, status, text);
    return parseJson(text, SOURCE);
  }

  async function search(condition: string, service: string, window: Window, asked: QueryOptions): Promise<Span[]> {
    const q = `{ resource.service.name = ${quoteLabelValue(service)} && ${condition} } | select(name, status)`;
    const body = await get("/api/search", { q, ...bounds(window), limit: String(MAX_TRACES), spss: String(SPANS_PER_TRACE) }, asked);
    return spansIn(body, service);
  }

  /** One number for each pair of caller and callee. */
  async function byEdge(
    q: string,
    window: Window,
    asked: QueryOptions,
    combine: (values: readonly number[]) => number,
  ): Promise<Map<string, number>> {
    const step = `${Math.max(1, Math.ceil(window.to - window.from))}s`;
    const body = await get("/api/metrics/query_range", { q, ...bounds(window), step }, asked);
    const found = new Map<string, number>();
    for (const { labels, values } of seriesIn(body)) {
      const from = labels["resource.service.name"];
      const to = labels["span.peer.service"];
      if (from && to && to !== "nil") found.set(JSON.stringify([from, to]), combine(values));
    }
    return found;
  }

  return {
    edges: (window, asked = {}) =>
      answerOr<readonly EdgeStats[]>([], async () => {
        const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
        const max = (values: readonly number[]) => values.reduce((most, value) => Math.max(most, value), 0);
        const [calls, errors, p95] = await Promise.all([
          byEdge(`{ kind = client } | count_over_time() ${BY}`, window, asked, sum),
          byEdge(`{ kind = client && status = error } | count_over_time() ${BY}`, window, asked, sum),
          byEdge(`{ kind = client } | quantile_over_time(duration, .95) ${BY}`, window, asked, max),
        ]);
        return [...calls].map(([key, count]) => {
          const [from, to] = JSON.parse(key) as [string, string];
          return { from, to, calls: Math.round(count), errors: Math.round(errors.get(key) ?? 0), p95Ms: (p95.get(key) ?? 0) * 1_000 };
        });
      }),

    notable: (service, window, limit, asked = {}) =>
      answerOr<readonly Span[]>([], async () => {
        const results = await Promise.allSettled([
          search("status = error", service, window, asked),
          search(`status != error && duration > ${slowMs}ms`, service, window, asked),
        ]);
        const spans = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
        const partial = results.flatMap((result) => (result.status === "rejected" ? [missing(result.reason)] : []));
        return { value: notableOf(spans, service, limit), partial: [...new Set(partial)] };
      }),

    async ping() {
      const { status, text } = await requestText({ source: SOURCE, url: `${base}/ready`, headers, deadlineMs: 3_000, maxBytes: 64 * 1024 });
      if (status !== 200) throw tempoQueryFailed("/ready", status, text);
    },
  };
}

/** Tempo takes whole seconds; the window is widened to them. */
const bounds = ({ from, to }: Window) => ({ start: String(Math.floor(from)), end: String(Math.ceil(to)) });

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** OTLP attributes (`[{key, value: {stringValue}}]`) as plain text. */
function attributesOf(list: unknown): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const entry of listOf(list)) {
    if (!isRecord(entry) || typeof entry["key"] !== "string" || !isRecord(entry["value"])) continue;
    const [value] = Object.values(entry["value"]);
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") attributes[entry["key"]] = String(value);
  }
  return attributes;
}

function spansIn(body: unknown, service: string): Span[] {
  if (!isRecord(body) || (body["traces"] !== undefined && !Array.isArray(body["traces"])))
    throw sourceGarbled(SOURCE, "no traces", JSON.stringify(body).slice(0, 500));
  const spans: Span[] = [];
  for (const trace of listOf(body["traces"])) {
    if (!isRecord(trace) || typeof trace["traceID"] !== "string") continue;
    // `spanSet` is the form of older servers.
    const sets = Array.isArray(trace["spanSets"]) ? trace["spanSets"] : [trace["spanSet"]];
    for (const span of sets.flatMap((set) => (isRecord(set) ? listOf(set["spans"]) : []))) {
      if (!isRecord(span) || typeof span["spanID"] !== "string") continue;
      const attributes = attributesOf(span["attributes"]);
      spans.push({
        traceId: trace["traceID"],
        spanId: span["spanID"],
        service,
        name: typeof span["name"] === "string" ? span["name"] : (attributes["name"] ?? String(trace["rootTraceName"] ?? "")),
        startAt: Number(span["startTimeUnixNano"] ?? 0) / 1e9,
        durationMs: Number(span["durationNanos"] ?? 0) / 1e6,
        error: attributes["status"] === "error",
      });
    }
  }
  return spans;
}

function seriesIn(body: unknown): { labels: Record<string, string>; values: number[] }[] {
  if (!isRecord(body) || (body["series"] !== undefined && !Array.isArray(body["series"])))
    throw sourceGarbled(SOURCE, "no series", JSON.stringify(body).slice(0, 500));
  return listOf(body["series"]).flatMap((series) => {
    if (!isRecord(series)) return [];
    const values = listOf(series["samples"]).map((sample) => (isRecord(sample) ? Number(sample["value"] ?? 0) : Number.NaN));
    return [{ labels: attributesOf(series["labels"]), values: values.filter((value) => Number.isFinite(value)) }];
  });
}
