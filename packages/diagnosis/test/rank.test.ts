import { expect, test } from "vitest";
import { callGraphOf } from "../src/call-graph.ts";
import type { Family, Finding } from "../src/findings.ts";
import { rankServices } from "../src/rank.ts";
import { TOPOLOGY } from "./fleet.ts";

const graph = callGraphOf(TOPOLOGY, [], []);
const finding = (service: string, family: Family, strength: number, more: Partial<Finding> = {}): Finding => ({
  service,
  family,
  strength,
  source: { kind: "change", change: { id: service, at: "2026-01-01T00:00:00.000Z", service, kind: "restart", text: "" } },
  ...more,
});
const first = (findings: readonly Finding[], alerting: readonly string[] = []) => rankServices(findings, graph, alerting)[0]?.service;

test("a louder caller does not outrank the callee that explains it", () => {
  expect(first([finding("storefront", "errors", 6), finding("checkout", "errors", 5), finding("payments", "errors", 3)])).toBe("payments");
});

test("a callee with a fraction of the failures does not explain its caller's", () => {
  const findings = [finding("checkout", "errors", 3, { excess: 500 }), finding("payments", "errors", 4, { excess: 5 })];
  expect(first(findings, ["checkout"])).toBe("checkout");
  expect(first([finding("checkout", "errors", 3, { excess: 500 }), finding("payments", "errors", 4, { excess: 480 })], ["checkout"])).toBe(
    "payments",
  );
});

test("what the alerting service cannot feel is not its cause", () => {
  const findings = [finding("checkout", "errors", 3), finding("payments", "errors", 2), finding("catalog", "cpu", 4)];
  expect(first(findings, ["checkout"])).toBe("payments");
});

test("a slow wire is blamed on the end all of whose calls are slow", () => {
  const wire = (from: string, to: string) => finding(from, "network", 4, { peer: to });
  const wires = [
    ["checkout", "payments"],
    ["checkout", "cart"],
    ["checkout", "inventory"],
    ["catalog", "inventory"],
  ] as const;
  const rank = (findings: readonly Finding[]) => rankServices(findings, graph, [], { wires })[0]?.service;
  expect(rank([wire("checkout", "inventory"), wire("catalog", "inventory")])).toBe("inventory");
  expect(rank([wire("checkout", "payments"), wire("checkout", "cart"), wire("checkout", "inventory")])).toBe("checkout");
});

test("a latency that the service's own traces contradict counts less", () => {
  const findings = [finding("checkout", "latency", 4)];
  const plain = rankServices(findings, graph, [])[0]?.score ?? 0;
  const contradicted = rankServices(findings, graph, [], { selfTimes: new Set(["checkout"]) })[0]?.score ?? 0;
  expect(contradicted).toBeLessThan(0.5 * plain);
});

test("a change alone is a suspect that scores below any cause", () => {
  const [suspect] = rankServices([finding("cart", "change", 3)], graph, ["cart"]);
  expect(suspect).toMatchObject({ service: "cart", kind: "change", score: 0.6 });
  expect(rankServices([finding("cart", "change", 3)], graph, [])[0]?.score).toBeLessThan(0.1);
});

test.each([
  ["crash", ["restarts", "errors", "memory"]],
  ["hang", ["down", "latency"]],
  ["resource", ["cpu", "latency", "lag"]],
  ["saturation", ["saturation", "latency", "errors"]],
  ["change", ["errors", "change"]],
  ["code-error", ["errors", "log"]],
  ["dependency-latency", ["latency", "slow-code"]],
] as const)("%s is what %j describe", (kind, families) => {
  expect(
    rankServices(
      families.map((family) => finding("payments", family, 3)),
      graph,
      [],
    )[0]?.kind,
  ).toBe(kind);
});

test("equal scores are ordered by name", () => {
  expect(rankServices([finding("payments", "cpu", 2), finding("cart", "cpu", 2)], graph, []).map((each) => each.service)).toEqual([
    "cart",
    "payments",
  ]);
});

test("a circle of calls ends", () => {
  const circle = callGraphOf(
    {
      services: [
        { id: "a", dependsOn: ["b"], labels: {} },
        { id: "b", dependsOn: ["a", "b"], labels: {} },
      ],
    },
    [],
    [],
  );
  expect(rankServices([finding("a", "errors", 2), finding("b", "errors", 2)], circle, ["a"])).toHaveLength(2);
  expect(circle.hops("a", "a")).toBe(0);
});
