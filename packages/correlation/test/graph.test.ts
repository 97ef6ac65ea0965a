import { expect, test } from "vitest";
import { blastRadius } from "../src/index.ts";
import { graphOf, SHOP } from "./alerts.ts";

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
