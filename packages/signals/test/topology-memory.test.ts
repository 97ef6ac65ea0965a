import type { Topology } from "@tocsin/contracts";
import { expect, test } from "vitest";
import { createTopologyMemory, strengthAfter } from "../src/topology-memory.ts";

const MINUTE = 60_000;
const NOW = Date.parse("2026-01-01T00:00:00Z");
const topology = (calls: Readonly<Record<string, readonly string[]>>): Topology => ({
  services: Object.entries(calls).map(([id, dependsOn]) => ({ id, dependsOn: [...dependsOn], labels: {} })),
});
const edgesAt = (memory: ReturnType<typeof createTopologyMemory>, atMs: number) =>
  (memory.current(atMs).edges ?? []).map(({ from, to, sources, strength }) => [
    `${from}>${to}`,
    sources.join(),
    Math.round(strength * 100) / 100,
  ]);

test("every edge tells where it is known from, and when such a call was last seen", () => {
  const memory = createTopologyMemory();
  memory.declare("file", topology({ cart: ["redis"] }));
  memory.declare("lab", topology({ storefront: ["cart"], cart: ["redis"] }));
  memory.measure(
    [
      { from: "cart", to: "redis" },
      { from: "cart", to: "tax" },
      { from: "tax", to: "tax" },
    ],
    NOW,
  );
  const { services, edges } = memory.current(NOW);
  expect(services.map(({ id, dependsOn }) => [id, dependsOn])).toEqual([
    ["cart", ["redis", "tax"]],
    ["redis", []],
    ["storefront", ["cart"]],
    ["tax", []],
  ]);
  expect(edges).toEqual([
    { from: "cart", to: "redis", sources: ["file", "lab", "calls"], strength: 1, seenAt: "2026-01-01T00:00:00.000Z" },
    { from: "cart", to: "tax", sources: ["calls"], strength: 1, seenAt: "2026-01-01T00:00:00.000Z" },
    { from: "storefront", to: "cart", sources: ["lab"], strength: 1 },
  ]);
});

test("a measured edge fades when no call is seen any more and is forgotten in the end; a declared one stays", () => {
  const memory = createTopologyMemory({ freshMs: 60 * MINUTE, forgetMs: 180 * MINUTE });
  memory.declare("file", topology({ a: ["b"] }));
  memory.measure(
    [
      { from: "a", to: "b" },
      { from: "a", to: "c" },
    ],
    NOW,
  );
  expect(edgesAt(memory, NOW + 60 * MINUTE)[1]).toEqual(["a>c", "calls", 1]);
  expect(edgesAt(memory, NOW + 120 * MINUTE)[1]).toEqual(["a>c", "calls", 0.5]);
  expect(edgesAt(memory, NOW + 180 * MINUTE)).toEqual([["a>b", "file", 1]]);
  memory.measure([{ from: "a", to: "c" }], NOW + 200 * MINUTE);
  expect(edgesAt(memory, NOW + 200 * MINUTE)[1]).toEqual(["a>c", "calls", 1]);
});

test("what the orchestrator no longer says is no longer so", () => {
  const memory = createTopologyMemory();
  memory.declare("lab", topology({ a: ["b", "c"] }));
  memory.declare("lab", topology({ a: ["b"] }));
  expect(edgesAt(memory, NOW).map(([edge]) => edge)).toEqual(["a>b"]);
});

test("keeps no more measured edges than it may; those unseen for longest go first", () => {
  const memory = createTopologyMemory({ maxEdges: 2 });
  memory.measure(
    [
      { from: "a", to: "b" },
      { from: "b", to: "c" },
    ],
    NOW,
  );
  memory.measure([{ from: "a", to: "b" }], NOW + 1);
  memory.measure([{ from: "c", to: "d" }], NOW + 2);
  expect(edgesAt(memory, NOW + 2).map(([edge]) => edge)).toEqual(["a>b", "c>d"]);
});

test("strength is 1 while fresh and 0 from the end on", () => {
  expect([0, 10, 15, 20, 30].map((age) => strengthAfter(age, 10, 20))).toEqual([1, 1, 0.5, 0, 0]);
});
