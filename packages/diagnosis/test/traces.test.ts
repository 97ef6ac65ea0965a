import type { Span } from "@tocsin/contracts";
import { expect, test } from "vitest";
import { findTraceChanges, judgedServices, judgedWires, type OperationStats, summariseSpans } from "../src/traces.ts";

const span = (
  spanId: string,
  parentSpanId: string | undefined,
  service: string,
  startAt: number,
  durationMs: number,
  error = false,
): Span => ({
  traceId: "t",
  spanId,
  ...(parentSpanId === undefined ? {} : { parentSpanId }),
  service,
  name: `${service} work`,
  startAt,
  durationMs,
  error,
});
const stats = (change: Partial<OperationStats>): OperationStats => ({
  service: "cart",
  name: "work",
  calls: 50,
  errorOrigins: 0,
  selfP50Ms: 10,
  selfP90Ms: 15,
  ...change,
});

test("self time leaves out what children cover, overlapping ones once", () => {
  const spans = [span("a", undefined, "web", 0, 100), span("b", "a", "web", 0.01, 40), span("c", "a", "web", 0.03, 40)];
  const web = summariseSpans(spans).find((each) => each.parent === undefined);
  expect(web).toMatchObject({ selfP50Ms: 40 }); // 100 less 10..70
});

test("a skewed clock of the callee does not make negative times", () => {
  const [outer] = summariseSpans([span("a", undefined, "web", 0, 100), span("b", "a", "cart", 5_000, 80)]);
  expect(outer).toMatchObject({ selfP50Ms: 20, peer: "cart" });
});

test("the origin of an error is the deepest failed span", () => {
  const summary = summariseSpans([
    span("a", undefined, "web", 0, 100, true),
    span("b", "a", "cart", 0, 80, true),
    span("c", "b", "db", 0, 10),
  ]);
  expect(summary.map(({ service, errorOrigins }) => [service, errorOrigins])).toEqual([
    ["web", 0],
    ["cart", 1],
    ["db", 0],
  ]);
});

test("a span that is its own parent ends", () => {
  expect(summariseSpans([span("a", "a", "web", 0, 10)])).toHaveLength(1);
});

test("an operation slow by itself is its service's, a wire belongs to two", () => {
  const before = [stats({}), stats({ name: "call", peer: "payments" })];
  const after = [stats({ selfP50Ms: 200, selfP90Ms: 220 }), stats({ name: "call", peer: "payments", selfP50Ms: 210, selfP90Ms: 215 })];
  const kinds = findTraceChanges(before, after).map(({ kind, service, peer }) => [kind, service, peer]);
  expect(kinds).toEqual([
    ["slow", "cart", undefined],
    ["network", "cart", "payments"],
  ]);
});

test("what adds little time counts little, however it multiplied", () => {
  const before = [stats({ name: "big" }), stats({ name: "tiny", selfP50Ms: 0.1, selfP90Ms: 0.2 })];
  const after = [stats({ name: "big", selfP50Ms: 1_000, selfP90Ms: 1_100 }), stats({ name: "tiny", selfP50Ms: 9, selfP90Ms: 10 })];
  const strengths = new Map(findTraceChanges(before, after).map((each) => [each.operation, each.strength]));
  expect(strengths.get("tiny") ?? 0).toBeLessThan(0.2 * (strengths.get("big") ?? 0));
});

test("calls are missing only when far fewer than the requests would bring, and than chance explains", () => {
  const entry = (calls: number) => stats({ name: "in", calls });
  const child = (calls: number) => stats({ name: "child", parent: "cart", calls });
  const missing = (before: number, requests: number, seen: number) =>
    findTraceChanges([entry(100), child(before)], [entry(requests), ...(seen > 0 ? [child(seen)] : [])]).some(
      ({ kind }) => kind === "missing",
    );
  expect(missing(100, 100, 20)).toBe(true);
  expect(missing(100, 20, 20)).toBe(false); // fewer requests, fewer calls
  expect(missing(12, 100, 4)).toBe(false); // chance
  expect(missing(100, 100, 0)).toBe(true);
});

test("too few calls judge nothing", () => {
  const few = [stats({ calls: 2, peer: "payments" })];
  expect(judgedWires(few, few)).toEqual([]);
  expect(judgedServices(few, few).size).toBe(0);
  const enough = [stats({ calls: 3, peer: "payments" })];
  expect(judgedWires(enough, enough)).toEqual([["cart", "payments"]]);
});

test("a failed call whose callee left no span is the callee's failure, and its waiting is nobody's own time", () => {
  const calls = (error: boolean, durationMs: number): Span[] =>
    Array.from({ length: 30 }, (_, i) => [
      span(`a${i}`, undefined, "web", i, durationMs + 1, error),
      { ...span(`b${i}`, `a${i}`, "web", i, durationMs, error), name: "GET cart/items", peer: "cart" },
    ]).flat();
  const before = summariseSpans(calls(false, 5));
  expect(before.find((each) => each.name === "GET cart/items")).toMatchObject({ callee: "cart" });
  const found = findTraceChanges(before, summariseSpans(calls(true, 900)));
  expect(found).toMatchObject([{ kind: "errors", service: "web", peer: "cart", operation: "GET cart/items" }]);
});
