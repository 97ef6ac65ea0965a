// The lab's supervisor, asked over HTTP. Its absence is normal (Tocsin runs without a lab), so it is said once when it goes and once
// when it comes back, and every answer says that it is missing.
import { Change, type LogLine, type Span, Topology } from "@tocsin/contracts";
import { AppError, type Logger } from "@tocsin/runtime";
import * as z from "zod";
import { labFailed, sourceGarbled } from "../errors.ts";
import type { QueryOptions, Window } from "../ports.ts";
import { parseJson, requestText } from "../source-request.ts";

const SOURCE = "the lab";
const MAX_BYTES = 8 * 1024 * 1024;

/** https://prometheus.io/docs/prometheus/latest/http_sd/ */
const TargetGroups = z
  .array(z.object({ targets: z.array(z.string().min(1)).max(1_000), labels: z.record(z.string(), z.string()).default({}) }))
  .max(1_000);
export type TargetGroup = z.output<typeof TargetGroups>[number];

const LogLines = z.object({
  items: z.array(
    z.object({ at: z.number(), service: z.string(), level: z.enum(["debug", "info", "warn", "error"]).catch("info"), message: z.string() }),
  ),
});
const Spans = z.object({
  items: z.array(
    z.object({
      traceId: z.string(),
      spanId: z.string(),
      parentSpanId: z.string().exactOptional(),
      service: z.string(),
      name: z.string(),
      startAt: z.number(),
      durationMs: z.number(),
      error: z.boolean(),
    }),
  ),
});
const Changes = z.object({ items: z.array(Change) });

export interface LabClient {
  scrapeTargets(signal?: AbortSignal): Promise<readonly TargetGroup[]>;
  logs(service: string, window: Window, limit: number, options?: QueryOptions): Promise<readonly LogLine[]>;
  /** Without a service the spans of all. */
  spans(service: string | undefined, window: Window, limit: number, options?: QueryOptions): Promise<readonly Span[]>;
  topology(options?: QueryOptions): Promise<Topology>;
  changes(window: Window, options?: QueryOptions): Promise<readonly Change[]>;
}

/** @param baseUrl of the supervisor, e.g. `http://127.0.0.1:8081` */
export function createLabClient(baseUrl: string, log: Logger): LabClient {
  const base = baseUrl.replace(/\/+$/, "");
  let away = false;

  async function get<T>(path: string, schema: z.ZodType<T>, options: QueryOptions = {}): Promise<T> {
    try {
      const { status, text } = await requestText({ source: SOURCE, url: `${base}${path}`, maxBytes: MAX_BYTES, ...options });
      if (away) log.info({ labUrl: base }, "lab is back");
      away = false;
      if (status !== 200) throw labFailed(path, status, text);
      const parsed = schema.safeParse(parseJson(text, SOURCE));
      if (!parsed.success) throw sourceGarbled(SOURCE, z.prettifyError(parsed.error).slice(0, 500), text);
      return parsed.data;
    } catch (error) {
      if (!away && AppError.is(error, "SOURCE_UNREACHABLE", "SOURCE_DEADLINE")) {
        away = true;
        log.warn({ labUrl: base, reason: error.message }, "lab is away");
      }
      throw error;
    }
  }

  const windowOf = (window: Window, more: Record<string, string> = {}) =>
    new URLSearchParams({ ...more, from: String(window.from), to: String(window.to) });

  return {
    scrapeTargets: (signal) => get("/v1/scrape-targets", TargetGroups, { deadlineMs: 5_000, ...(signal ? { signal } : {}) }),
    async logs(service, window, limit, options) {
      return (await get(`/v1/logs?${windowOf(window, { service, limit: String(limit) })}`, LogLines, options)).items;
    },
    async spans(service, window, limit, options) {
      const query = windowOf(window, { ...(service === undefined ? {} : { service }), limit: String(limit) });
      return (await get(`/v1/spans?${query}`, Spans, options)).items;
    },
    topology: (options) => get("/v1/topology", Topology, options),
    async changes(window, options) {
      return (await get(`/v1/changes?${windowOf(window)}`, Changes, options)).items;
    },
  };
}
