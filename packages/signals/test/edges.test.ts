import type { Span } from "@tocsin/contracts";
import { expect, test } from "vitest";
import { edgesOfSpans, mergeEdges, topologyOfEdges } from "../src/edges.ts";
import { notableOf } from "../src/notable-spans.ts";

const span = (spanId: string, service: string, more: Partial<Span> = {}): Span => ({
  traceId: "t",
  spanId,
  service,
  name: "call",
  startAt: 1,
  durationMs: 10,
  error: false,
  ...more,
});

test("an edge is a span whose parent belongs to another service, in the same trace", () => {
  const spans = [
    span("1", "storefront"),
    span("2", "cart", { parentSpanId: "1", durationMs: 100 }),
    span("3", "cart", { parentSpanId: "2" }),
    span("4", "cart", { parentSpanId: "1", error: true, durationMs: 200 }),
    span("5", "cart", { parentSpanId: "lost" }),
    span("1", "payments", { traceId: "u" }),
    span("6", "cart", { traceId: "v", parentSpanId: "1" }),
  ];
  expect(edgesOfSpans(spans)).toEqual([{ from: "storefront", to: "cart", calls: 2, errors: 1, p95Ms: 195 }]);
});

test("names that would run together stay apart", () => {
  const edge = (from: string, to: string) => ({ from, to, calls: 1, errors: 0, p95Ms: 1 });
  expect(mergeEdges([edge("a", "b c")], [edge("a b", "c"), edge("a", "b c")])).toHaveLength(2);
});

test("a topology of edges has every service once, callees without callees too", () => {
  expect(
    topologyOfEdges([
      { from: "a", to: "b" },
      { from: "a", to: "c" },
      { from: "b", to: "c" },
    ]).services,
  ).toEqual([
    { id: "b", dependsOn: ["c"], labels: {} },
    { id: "a", dependsOn: ["b", "c"], labels: {} },
    { id: "c", dependsOn: [], labels: {} },
  ]);
});

test("notable are the newest errors, then the slowest of the rest, of the service alone", () => {
  const spans = [
    span("slow", "cart", { durationMs: 900 }),
    span("old", "cart", { error: true, startAt: 1 }),
    span("new", "cart", { error: true, startAt: 2 }),
    span("other", "payments", { error: true }),
    span("fast", "cart"),
  ];
  expect(notableOf(spans, "cart", 3).map((s) => s.spanId)).toEqual(["new", "old", "slow"]);
});
