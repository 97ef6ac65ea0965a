import fc from "fast-check";
import { expect, test } from "vitest";
import { bearingOf, mentionsIn, similarity, templateOf } from "../src/signature.ts";
import { parseWorkload, squeeze } from "../src/workload.ts";

test.each([
  ["MemoryGrowing", "intrinsic"],
  ["KubePodCrashLooping", "intrinsic"],
  ["KubePodNotReady", "intrinsic"],
  ["HighErrorRate", "surface"],
  ["HighRequestLatency", "surface"],
  ["NoRequestsReceived", "starved"],
  ["NoDatabaseOperations", "starved"],
  ["SomethingElse", "surface"],
])("%s is %s", (rule, bearing) => {
  expect(bearingOf(rule)).toBe(bearing);
});

test("two texts that differ in labels, numbers and ids have one template", () => {
  const of = (pod: string, ratio: string) =>
    templateOf({ description: `Pod ${pod} fails ${ratio}% of requests, trace 4bf92f3577b34da6a3ce929d0e0e4736` }, { alertname: "A", pod });
  expect(of("cart-1", "12.5")).toBe(of("payments-77", "3"));
});

test("a text mentions services by one to three of its words", () => {
  const names = mentionsIn({ description: "errors when calling product catalog and the cart-service" });
  expect(names.has("productcatalog")).toBe(true);
  expect(names.has("cartservice")).toBe(true);
  expect(names.has("the")).toBe(false);
});

test("the pod of a numbered service is not another service", () => {
  const found = mentionsIn({ description: "HighLatency on shop-17-3, shop_17.3 and shop-17" });
  expect([found.has("shop17-3"), found.has("shop17"), found.has("shop173")]).toEqual([true, true, false]);
  expect([parseWorkload("shop-173").base, parseWorkload("shop_17.3").base, parseWorkload("Product-Catalog").base]).toEqual([
    "shop173",
    "shop17-3",
    "productcatalog",
  ]);
});

test("rules that speak of the same are similar", () => {
  expect(similarity("HighKafkaConsumerLag", "KafkaConsumerGroupInactive")).toBeGreaterThan(0.3);
  expect(similarity("HighErrorRate", "DiskFull")).toBe(0);
});

test("squeezing by hand is what the words of it say: no joint stays but between two digits", () => {
  const byWords = (name: string) =>
    name
      .toLowerCase()
      .replace(/(?<!\d)[-_. ]|[-_. ](?!\d)/g, "")
      .replace(/[_. ]/g, "-");
  const names = fc.string({ unit: fc.constantFrom("a", "B", "7", "3", "-", "_", ".", " ", "é"), maxLength: 12 });
  fc.assert(fc.property(names, (name) => squeeze(name) === byWords(name)));
});
