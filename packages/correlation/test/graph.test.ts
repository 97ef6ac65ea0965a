import { expect, test } from "vitest";
import { blastRadius, compileGraph } from "../src/index.ts";
import { graphOf, SHOP, topology } from "./alerts.ts";

test("objects of one workload are one node", () => {
  const graph = graphOf({ "cart-service-1": ["cart-pod-1"], "cart-pod-1": ["valkey-pod-1"], "frontend-service-1": ["cart-service-1"] });
  const cart = graph.resolve("cart-service-1") as string;
  expect(graph.resolve("cart-pod-1")).toBe(cart);
  expect(graph.reach(graph.resolve("frontend-service-1") as string).get(cart)).toBe(1);
});

test("a name without ordinal is the workload that alone has one", () => {
  const graph = graphOf({ "frontend-service-1": ["product-catalog-service-1"] });
  expect(graph.resolve("frontend-service")).toBe("frontend-service-1");
  expect(graph.resolve("productcatalog-pod-1")).toBe("product-catalog-service-1");
});

test("numbered services are different services", () => {
  const graph = graphOf({ "shop-service-1": ["db"], "shop-service-2": ["db"] });
  expect(graph.resolve("shop-service-1")).not.toBe(graph.resolve("shop-service-2"));
  expect(graph.resolve("shop-service")).toBeUndefined();
});

test("a ring of calls does not end in a loop", () => {
  const graph = graphOf({ a: ["b"], b: ["c"], c: ["a"] });
  expect([...graph.reach("a")]).toEqual([
    ["b", 1],
    ["c", 2],
  ]);
});

test("what knows only hubs is not known", () => {
  const calls: Record<string, string[]> = { lone: ["dns"] };
  for (let i = 0; i < 50; i++) calls[`other-${i}`] = ["dns"];
  expect(graphOf(calls).isConnected("lone")).toBe(false);
});

test("an edge that has not been seen for long counts as two calls, whichever way it is asked", () => {
  const edge = (from: string, to: string, strength: number) => ({ from, to, sources: ["calls" as const], strength });
  const aged = {
    ...topology({ a: ["b", "c"], b: ["c"], c: ["d"] }),
    edges: [edge("a", "b", 1), edge("a", "c", 0.4), edge("b", "c", 0.5), edge("c", "d", 0.1)],
  };
  const graph = compileGraph(aged, 4, 12);
  expect([...graph.reach("a")]).toEqual([
    ["b", 1],
    ["c", 2],
    ["d", 4],
  ]);
  expect([...graph.reachedBy("d")]).toEqual([
    ["c", 2],
    ["b", 3],
    ["a", 4],
  ]);
  expect([...compileGraph(aged, 3, 12).reach("a").keys()]).toEqual(["b", "c"]);
});

test("the blast radius names callers that show nothing yet, the nearest first", () => {
  expect(blastRadius(graphOf(SHOP), ["payments"])).toEqual({
    affected: ["payments"],
    next: [
      { service: "checkout", hops: 1, through: "payments" },
      { service: "storefront", hops: 2, through: "payments" },
    ],
  });
  expect(blastRadius(graphOf(SHOP), ["payments", "checkout"]).next.map(({ service }) => service)).toEqual(["storefront"]);
});
