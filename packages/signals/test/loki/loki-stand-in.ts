// Loki's HTTP API over lines the test gives: labels, values, index stats and query_range with start inclusive, end exclusive, limit and
// direction, errors as plain text.
import { json, type Loopback, loopback, text } from "../lab-stand-in.ts";

export interface LokiStream {
  readonly stream: Readonly<Record<string, string>>;
  /** `[nanoseconds, line, structured metadata?]`. */
  readonly values: readonly (readonly [bigint, string, Record<string, string>?])[];
}

export interface LokiState {
  streams: LokiStream[];
  /** Answers `/index/stats`; 404 when undefined. */
  bytesIn: ((fromNs: bigint, toNs: bigint) => number) | undefined;
  /** Answers `/patterns`; 404 when undefined, as without a pattern ingester. */
  patterns: unknown;
  /** A tenant that has to be named. */
  tenant: string | undefined;
}

export interface LokiStandIn extends Loopback {
  readonly state: LokiState;
}

export async function lokiStandIn(): Promise<LokiStandIn> {
  const state: LokiState = { streams: [], bytesIn: () => 1_000, patterns: undefined, tenant: undefined };
  const server = await loopback((request, response) => {
    const url = new URL(request.url ?? "/", "http://loki");
    const path = url.pathname.replace("/loki/api/v1", "");
    if (url.pathname === "/ready") return text(response, "ready");
    if (state.tenant !== undefined && request.headers["x-scope-orgid"] !== state.tenant) return text(response, "no org id", 401);
    const [from, to] = ["start", "end"].map((name) => BigInt(url.searchParams.get(name) ?? "0")) as [bigint, bigint];
    const inside = ([ns]: LokiStream["values"][number]) => ns >= from && ns < to;
    const present = state.streams.filter(({ values }) => values.some(inside));
    const valuesPath = /^\/label\/(.+)\/values$/.exec(path);
    if (path === "/labels")
      return json(response, { status: "success", data: [...new Set(present.flatMap(({ stream }) => Object.keys(stream)))] });
    if (valuesPath) {
      const values = present.map(({ stream }) => stream[valuesPath[1] ?? ""]).filter((value) => value !== undefined);
      return json(response, { status: "success", ...(values.length > 0 ? { data: [...new Set(values)] } : {}) });
    }
    const query = url.searchParams.get("query") ?? "";
    const selector = /^\{(\w+)="((?:[^"\\]|\\.)*)"\}(?: \|~ "\(\?i\)((?:[^"\\]|\\.)*)")?$/.exec(query);
    if (!selector) return text(response, `parse error at line 1: ${query}`, 400);
    const value = (selector[2] ?? "").replace(/\\(.)/g, "$1");
    const chosen = present.filter(({ stream }) => stream[selector[1] ?? ""] === value);
    if (path === "/index/stats") {
      if (!state.bytesIn) return text(response, "404 page not found", 404);
      return json(response, { streams: chosen.length, chunks: 1, entries: 1, bytes: state.bytesIn(from, to) });
    }
    if (path === "/patterns" && state.patterns !== undefined) return json(response, state.patterns);
    if (path !== "/query_range") return text(response, "404 page not found", 404);
    const limit = Number(url.searchParams.get("limit") ?? 100);
    if (limit > 5_000) return text(response, "max entries limit per query exceeded, limit > max_entries_limit_per_query (5000)", 400);
    const wanted = selector[3] === undefined ? undefined : new RegExp(selector[3], "i");
    const newest = chosen
      .flatMap(({ stream, values }) =>
        values.filter((entry) => inside(entry) && (wanted?.test(entry[1]) ?? true)).map((entry) => ({ stream, entry })),
      )
      .sort((a, b) => (a.entry[0] < b.entry[0] ? 1 : -1))
      .slice(0, limit);
    const result = chosen.map(({ stream }) => ({
      stream,
      values: newest
        .filter((line) => line.stream === stream)
        .map(({ entry: [ns, line, meta] }) => [String(ns), line, ...(meta ? [meta] : [])]),
    }));
    json(response, { status: "success", data: { resultType: "streams", result, stats: {} } });
  });
  return { ...server, state };
}
