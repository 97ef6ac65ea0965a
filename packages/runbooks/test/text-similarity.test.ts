import { expect, test } from "vitest";
import { indexTexts, termsOf } from "../src/text-similarity.ts";

test("takes names apart as monitoring writes them, and joins neighbours", () => {
  expect(termsOf("KubePodNotReady")).toEqual(["kube", "pod", "ready", "kubepod", "podready"]);
  expect(termsOf("kube_pod_status")).toEqual(["kube", "pod", "statu", "kubepod", "podstatu"].map((t) => t.replace("statu", "status")));
  expect(termsOf("HTTPServer on {{ $labels.node }} 42")).toEqual(["http", "server", "httpserver"]);
});

const items = ["disk file system filling up", "pod crash looping", "certificate expires soon"];
const index = indexTexts(items, (text) => [{ text, weight: 1 }]);

test("finds what reads alike, the most alike first, with the terms that spoke", () => {
  expect(index.search("PodCrashLoopBackOff")[0]).toMatchObject({ item: "pod crash looping" });
  expect(index.search("filesystem almost full")[0]).toMatchObject({ item: "disk file system filling up", terms: ["filesystem"] });
  const [hit] = index.search("pod crash looping");
  expect(hit?.similarity).toBeGreaterThan(0.4);
});

test("nothing in common is no hit, and ties keep their order", () => {
  expect(index.search("kafka lag")).toEqual([]);
  expect(index.search("")).toEqual([]);
  const same = indexTexts(["a", "b"], () => [{ text: "same words", weight: 1 }]);
  expect(same.search("same words").map((hit) => hit.item)).toEqual(["a", "b"]);
});

test("of two neighbours that count as one word, a person reads two", () => {
  const found = indexTexts(["the file system is full", "filesystem almost full"], (text) => [{ text, weight: 1 }]).search("file system");
  expect(found.map(({ terms }) => terms.toSorted())).toEqual([["file", "file system", "system"], ["file system"]]);
});
