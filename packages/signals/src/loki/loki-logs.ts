import type { LogLine } from "@tocsin/contracts";
import { AppError, type Clock, redact } from "@tocsin/runtime";
import { lokiQueryFailed, lokiTooCostly, sourceGarbled } from "../errors.ts";
import { answerOr } from "../partial.ts";
import type { LogPattern, LogsPort, QueryOptions, Window } from "../ports.ts";
import { isRecord } from "../prometheus/prometheus-response.ts";
import { quoteLabelValue } from "../promql/quote.ts";
import { DEFAULT_DEADLINE_MS, parseJson, requestText } from "../source-request.ts";
import { sourceAddress } from "../source-url.ts";
import { logLineOf } from "./log-line.ts";

export interface LokiOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly tenant?: string;
  /** Stream labels that may name a service, best first; no other label ever enters a selector. */
  readonly serviceLabels?: readonly string[];
  /** Most bytes Loki may read for one question. Default 1 GiB. */
  readonly bytesBudget?: number;
}

const SOURCE = "Loki";
const MAX_BYTES = 2 * 1024 * 1024;
const MAX_LINES = 1_000;
const MIN_WINDOW_SECONDS = 60;
const LABELS_TTL_MS = 60_000;
/** How long it is remembered that the server mines no patterns. */
const NO_PATTERNS_TTL_MS = 600_000;
const MAX_PATTERNS = 300;
const MAX_PATTERN_CHARS = 2_048;
/** Lines that speak of a failure, whatever their level says; RE2. */
const FAILURE_WORDS = "(?i)(error|exception|fatal|panic|fail|timed? ?out|refused|denied|unavailable|critical|crash|killed|abort|oom)";
const DEFAULT_LABELS = ["service_name", "service", "app", "app_kubernetes_io_name", "compose_service", "container", "job"] as const;

export function createLokiLogs(options: LokiOptions): LogsPort {
  const { clock, bytesBudget = 1024 ** 3 } = options;
  const { base, headers } = sourceAddress(options.url, options.tenant);
  const allowed = options.serviceLabels ?? DEFAULT_LABELS;
  // Only what was found is remembered: a service that starts to log is seen at the next question.
  const labelOf = new Map<string, { until: number; label: string }>();
  let noPatternsUntil = 0;

  async function get(path: string, parameters: Record<string, string>, asked: QueryOptions): Promise<unknown> {
    const url = `${base}/loki/api/v1${path}?${new URLSearchParams(parameters)}`;
    const { status, text } = await requestText({ source: SOURCE, url, headers, maxBytes: MAX_BYTES, ...asked });
    if (status !== 200) throw lokiQueryFailed(parameters["query"] ?? path, status, text);
    return parseJson(text, SOURCE);
  }

  async function names(path: string, window: Window, asked: QueryOptions): Promise<readonly string[]> {
    const body = await get(path, bounds(window), asked);
    // Loki leaves `data` out when there is nothing.
    const data = isRecord(body) && body["status"] === "success" ? (body["data"] ?? []) : undefined;
    if (!Array.isArray(data)) throw sourceGarbled(SOURCE, "no list of names", JSON.stringify(body).slice(0, 500));
    return data.filter((name) => typeof name === "string");
  }

  /** The label under which the service logs, or undefined when none of the allowed ones holds its name. */
  async function findLabel(service: string, window: Window, asked: QueryOptions): Promise<string | undefined> {
    const known = labelOf.get(service);
    if (known && known.until > clock.now()) return known.label;
    const present = await names("/labels", window, asked);
    for (const label of allowed) {
      if (!present.includes(label)) continue;
      const values = await names(`/label/${encodeURIComponent(label)}/values`, window, asked);
      if (!values.includes(service)) continue;
      if (labelOf.size > 10_000) labelOf.clear();
      labelOf.set(service, { until: clock.now() + LABELS_TTL_MS, label });
      return label;
    }
    return undefined;
  }

  async function bytesOf(query: string, window: Window, asked: QueryOptions): Promise<number | undefined> {
    try {
      const stats = await get("/index/stats", { query, ...bounds(window) }, asked);
      const bytes = isRecord(stats) ? stats["bytes"] : undefined;
      return typeof bytes === "number" ? bytes : undefined;
    } catch (error) {
      // An old Loki or a proxy that hides the path: the caps of the query itself have to do.
      if (AppError.is(error, "LOKI_QUERY_FAILED") && error.details["status"] === 404) return undefined;
      throw error;
    }
  }

  /** The newest part of the window that Loki can read within the budget. @throws AppError `LOKI_TOO_COSTLY` */
  async function affordable(query: string, window: Window, asked: QueryOptions): Promise<Window> {
    let shortened = window;
    for (;;) {
      const bytes = await bytesOf(query, shortened, asked);
      if (bytes === undefined || bytes <= bytesBudget) return shortened;
      const seconds = (shortened.to - shortened.from) * Math.min(0.5, bytesBudget / bytes);
      if (seconds < MIN_WINDOW_SECONDS) throw lokiTooCostly(query, bytes, bytesBudget);
      shortened = { from: shortened.to - seconds, to: shortened.to };
    }
  }

  const newest = (service: string, filter: string, window: Window, limit: number, asked: QueryOptions) =>
    answerOr<readonly LogLine[]>([], async () => {
      const within = untilDeadline(asked);
      const label = await findLabel(service, window, within());
      if (label === undefined) return { value: [], partial: [`LOKI_SERVICE_UNKNOWN: no log stream names the service ${service}`] };
      const selector = `{${label}=${quoteLabelValue(service)}}`;
      const read = await affordable(selector, window, within());
      const partial =
        read.from > window.from ? [`LOKI_WINDOW_SHORTENED: only the last ${Math.round(read.to - read.from)} s were read`] : [];
      const most = String(Math.max(1, Math.min(limit, MAX_LINES)));
      const body = await get("/query_range", { query: selector + filter, limit: most, direction: "backward", ...bounds(read) }, within());
      return { value: linesIn(body, service), partial };
    });

  return {
    lines: (service, window, limit, asked = {}) => newest(service, "", window, limit, asked),

    failures: (service, window, limit, asked = {}) => newest(service, ` |~ ${quoteLabelValue(FAILURE_WORDS)}`, window, limit, asked),

    patterns: (service, window, asked = {}) =>
      answerOr<readonly LogPattern[] | undefined>(undefined, async () => {
        if (noPatternsUntil > clock.now()) return undefined;
        const within = untilDeadline(asked);
        const label = await findLabel(service, window, within());
        if (label === undefined) return undefined;
        const step = `${Math.max(10, Math.ceil((window.to - window.from) / 100))}s`;
        try {
          return patternsIn(await get("/patterns", { query: `{${label}=${quoteLabelValue(service)}}`, step, ...bounds(window) }, within()));
        } catch (error) {
          // Only with a pattern ingester has Loki this; without it, it answers 404 or that it is not enabled.
          if (!AppError.is(error, "LOKI_QUERY_FAILED")) throw error;
          noPatternsUntil = clock.now() + NO_PATTERNS_TTL_MS;
          return undefined;
        }
      }),

    async ping() {
      const { status, text } = await requestText({ source: SOURCE, url: `${base}/ready`, headers, deadlineMs: 3_000, maxBytes: 64 * 1024 });
      if (status !== 200) throw lokiQueryFailed("/ready", status, text);
    },
  };
}

/** Loki takes nanoseconds; milliseconds are exact enough, and beyond them a float is not. */
const bounds = ({ from, to }: Window) => ({ start: `${Math.round(from * 1_000)}000000`, end: `${Math.round(to * 1_000)}000000` });

/** One deadline for the several questions of one answer. */
function untilDeadline(asked: QueryOptions): () => QueryOptions {
  const endsAt = performance.now() + (asked.deadlineMs ?? DEFAULT_DEADLINE_MS);
  return () => ({ ...asked, deadlineMs: Math.max(1, Math.round(endsAt - performance.now())) });
}

/** @throws AppError `SOURCE_GARBLED` unless the body is a list of patterns */
function patternsIn(body: unknown): LogPattern[] {
  const data = isRecord(body) && body["status"] === "success" ? (body["data"] ?? []) : undefined;
  if (!Array.isArray(data)) throw sourceGarbled(SOURCE, "no list of patterns", JSON.stringify(body).slice(0, 500));
  return data.slice(0, MAX_PATTERNS).flatMap((entry) => {
    if (!isRecord(entry) || typeof entry["pattern"] !== "string" || !Array.isArray(entry["samples"])) return [];
    const samples = entry["samples"].filter(
      (pair): pair is [number, number] => Array.isArray(pair) && Number.isFinite(pair[0]) && Number.isFinite(pair[1]),
    );
    return [{ pattern: redact(entry["pattern"].slice(0, MAX_PATTERN_CHARS)), samples: samples.map(([at, count]) => [at, count] as const) }];
  });
}

function linesIn(body: unknown, service: string): LogLine[] {
  const data = isRecord(body) && body["status"] === "success" ? body["data"] : undefined;
  const streams = isRecord(data) && data["resultType"] === "streams" ? data["result"] : undefined;
  if (!Array.isArray(streams)) throw sourceGarbled(SOURCE, "no streams", JSON.stringify(body).slice(0, 500));
  const lines: LogLine[] = [];
  for (const entry of streams) {
    const labels = isRecord(entry) && isRecord(entry["stream"]) ? entry["stream"] : {};
    const values = isRecord(entry) && Array.isArray(entry["values"]) ? entry["values"] : [];
    for (const value of values) {
      if (!Array.isArray(value) || typeof value[0] !== "string" || typeof value[1] !== "string") continue;
      const metadata = isRecord(value[2]) ? value[2] : {};
      lines.push(logLineOf(service, Number(value[0]) / 1e9, value[1], levelHint(metadata) ?? levelHint(labels)));
    }
  }
  return lines.sort((a, b) => a.at - b.at);
}

function levelHint(labels: Record<string, unknown>): string | undefined {
  const named = labels["detected_level"] ?? labels["level"] ?? labels["severity"];
  return typeof named === "string" && named !== "unknown" ? named : undefined;
}
