import type { Series } from "@tocsin/contracts";
import type { AppError, Clock } from "@tocsin/runtime";
import { promQueryFailed, promqlSyntax } from "../errors.ts";
import type { MetricsBackend } from "../metrics-backend.ts";
import type { Answer, QueryOptions } from "../ports.ts";
import { quoteAnyOf } from "../promql/quote.ts";
import { DEFAULT_DEADLINE_MS, requestText } from "../source-request.ts";
import { sourceAddress } from "../source-url.ts";
import { namesIn, type PrometheusSuccess, parseEnvelope, rulesIn, seriesIn } from "./prometheus-response.ts";

const SOURCE = "Prometheus";
/** Most bytes of one answer. */
const MAX_BYTES = 5 * 1024 * 1024;
/** Most series of one answer. */
const MAX_SERIES = 5_000;
/** Most points of one series. */
const MAX_STEPS = 1_000;
/** A metric that no one wrote for so long does not count as there. */
const PRESENCE_SECONDS = 3_600;

/** The Prometheus HTTP API. @param url of the server, with the path before `/api/v1` when there is one */
export function createPrometheusBackend(url: string, clock: Clock): MetricsBackend {
  const { base, headers } = sourceAddress(url);

  async function ask(path: string, form: URLSearchParams, options: QueryOptions, query: string): Promise<PrometheusSuccess> {
    const { deadlineMs = DEFAULT_DEADLINE_MS, signal } = options;
    if (path !== "/labels") form.set("timeout", `${deadlineMs}ms`);
    const { status, text } = await requestText({
      source: SOURCE,
      url: `${base}/api/v1${path}`,
      headers,
      form,
      deadlineMs,
      maxBytes: MAX_BYTES,
      signal,
    });
    if (status !== 200) throw refusal(query, status, text);
    return parseEnvelope(text);
  }

  /** Names are asked by GET: `/label/…/values` knows no POST. */
  async function names(path: string, parameters: URLSearchParams, options: QueryOptions): Promise<ReadonlySet<string>> {
    const now = clock.now() / 1_000;
    parameters.set("start", String(now - PRESENCE_SECONDS));
    parameters.set("end", String(now));
    const { status, text } = await requestText({
      source: SOURCE,
      url: `${base}/api/v1${path}?${parameters}`,
      headers,
      maxBytes: MAX_BYTES,
      ...options,
    });
    if (status !== 200) throw promQueryFailed(path, status, text);
    return namesIn(parseEnvelope(text).data);
  }

  return {
    async query(promql, atSeconds, options) {
      const form = new URLSearchParams({ query: promql, limit: String(MAX_SERIES) });
      if (atSeconds !== undefined) form.set("time", String(atSeconds));
      return capped(await ask("/query", form, options, promql));
    },

    async queryRange(promql, window, stepSeconds, options) {
      const step = Math.max(stepSeconds, (window.to - window.from) / MAX_STEPS, 0.001);
      // Prometheus includes the end; our windows do not.
      const steps = Math.max(0, Math.ceil((window.to - window.from) / step - 1e-9) - 1);
      const form = new URLSearchParams({
        query: promql,
        start: window.from.toFixed(3),
        end: (window.from + steps * step).toFixed(3),
        step: step.toFixed(3),
        limit: String(MAX_SERIES),
      });
      return capped(await ask("/query_range", form, options, promql));
    },

    existing(metrics, options) {
      return names("/label/__name__/values", new URLSearchParams({ "match[]": `{__name__=~${quoteAnyOf(metrics)}}` }), options);
    },

    labelNames(metric, options) {
      return names("/labels", new URLSearchParams({ "match[]": metric }), options);
    },

    async ruleExpressions(alertName, options) {
      // Servers before 2.46 do not know `rule_name[]` and answer with all rules; `exclude_alerts` leaves out what is large.
      const parameters = new URLSearchParams({ type: "alert", "rule_name[]": alertName, exclude_alerts: "true" });
      const { status, text } = await requestText({
        source: SOURCE,
        url: `${base}/api/v1/rules?${parameters}`,
        headers,
        maxBytes: MAX_BYTES,
        ...options,
      });
      if (status !== 200) throw promQueryFailed("/rules", status, text);
      return rulesIn(parseEnvelope(text).data, alertName);
    },

    async ping() {
      const { status, text } = await requestText({
        source: SOURCE,
        url: `${base}/-/ready`,
        headers,
        deadlineMs: 3_000,
        maxBytes: 64 * 1024,
      });
      if (status !== 200) throw promQueryFailed("/-/ready", status, text);
    },
  };
}

function capped({ data, warnings }: PrometheusSuccess): Answer<readonly Series[]> {
  const { series, histograms } = seriesIn(data);
  const partial = warnings.map((warning) => `PROM_WARNING: ${warning}`);
  if (histograms > 0) partial.push(`PROM_NATIVE_HISTOGRAMS: ${histograms} series of native histograms were left out`);
  if (series.length > MAX_SERIES) partial.push(`PROM_SERIES_CAPPED: ${series.length} series, ${MAX_SERIES} kept`);
  return { value: series.slice(0, MAX_SERIES), partial };
}

/** A query that does not parse is the caller's mistake, with Prometheus as with the embedded metrics. */
function refusal(query: string, status: number, body: string): AppError {
  const parse = /(\d+):(\d+): parse error: ((?:[^"\\]|\\.)*)/.exec(body);
  if (status !== 400 || !parse) return promQueryFailed(query, status, body);
  const lines = query.split("\n").slice(0, Number(parse[1]) - 1);
  return promqlSyntax(
    query,
    lines.join("\n").length + (lines.length > 0 ? 1 : 0) + Number(parse[2]) - 1,
    (parse[3] ?? "").replace(/\\"/g, '"'),
  );
}
