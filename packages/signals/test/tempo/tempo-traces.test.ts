import { afterEach, expect, test } from "vitest";
import { createTempoTraces } from "../../src/tempo/tempo-traces.ts";
import { json, type Loopback, loopback, text } from "../lab-stand-in.ts";

const undo: Loopback[] = [];
afterEach(async () => {
  for (const server of undo.splice(0)) await server.close();
});

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const span = (spanID: string, status: string, durationNanos: string) => ({
  spanID,
  name: "POST /pay",
  startTimeUnixNano: "1700000000500000000",
  durationNanos,
  attributes: [attribute("status", status)],
});

async function tempo(answer: (q: string, path: string) => unknown) {
  const server = await loopback((request, response) => {
    const url = new URL(request.url ?? "/", "http://tempo");
    const body = answer(url.searchParams.get("q") ?? "", url.pathname);
    if (body === undefined) return text(response, "frontend: max search duration exceeded", 400);
    json(response, body);
  });
  undo.push(server);
  return { server, traces: createTempoTraces({ url: server.url, tenant: "t" }) };
}

const window = { from: 1_700_000_000.4, to: 1_700_000_060.6 };

test("gives error spans first, then slow ones, of whole seconds around the window", async () => {
  const { server, traces } = await tempo((q) => ({
    traces: [
      {
        traceID: "abc",
        rootTraceName: "GET /",
        spanSets: [
          { matched: 1, spans: [q.includes("status = error") ? span("s1", "error", "20000000") : span("s2", "ok", "3000000000")] },
        ],
      },
    ],
  }));
  const { value, partial } = await traces.notable("payments", window, 10);
  expect(value).toEqual([
    { traceId: "abc", spanId: "s1", service: "payments", name: "POST /pay", startAt: 1_700_000_000.5, durationMs: 20, error: true },
    { traceId: "abc", spanId: "s2", service: "payments", name: "POST /pay", startAt: 1_700_000_000.5, durationMs: 3_000, error: false },
  ]);
  expect(partial).toEqual([]);
  const [first] = server.asked.map((url) => new URL(url, "http://x").searchParams);
  expect([first?.get("start"), first?.get("end"), first?.get("limit")]).toEqual(["1700000000", "1700000061", "100"]);
  expect(first?.get("q")).toContain('resource.service.name = "payments"');
});

test("understands the single span set of older servers", async () => {
  const { traces } = await tempo((q) =>
    q.includes("status = error") ? { traces: [{ traceID: "a", spanSet: { spans: [span("s", "error", "1")] } }] } : {},
  );
  expect((await traces.notable("payments", window, 10)).value).toHaveLength(1);
});

test("half an answer is given with what is missing", async () => {
  const { traces } = await tempo((q) =>
    q.includes("status = error") ? { traces: [{ traceID: "a", spanSets: [{ spans: [span("s", "error", "1")] }] }] } : undefined,
  );
  const { value, partial } = await traces.notable("payments", window, 10);
  expect(value).toHaveLength(1);
  expect(partial).toEqual([expect.stringMatching(/TEMPO_QUERY_FAILED: Tempo answered 400 .*max search duration/)]);
});

test("edges come from client spans: calls, errors and latency of each pair", async () => {
  const labels = [attribute("resource.service.name", "checkout"), attribute("span.peer.service", "payments")];
  const { traces } = await tempo((q) => {
    const value = q.includes("quantile")
      ? [{ value: 0.25 }]
      : q.includes("status = error")
        ? [{ value: 3 }]
        : [{ value: 10 }, { value: 5 }];
    return {
      series: [
        { labels, samples: value },
        { labels: [attribute("resource.service.name", "a"), attribute("span.peer.service", "nil")], samples: value },
      ],
    };
  });
  expect(await traces.edges(window)).toEqual({
    value: [{ from: "checkout", to: "payments", calls: 15, errors: 3, p95Ms: 250 }],
    partial: [],
  });
});
