import { SignalName } from "@tocsin/contracts";
import { describe, expect, test } from "vitest";
import { CATALOGUE } from "../src/catalogue.ts";
import { parsePromql } from "../src/promql/parse.ts";
import { selectorsOf } from "../src/promql/rewrite.ts";
import { queryOf } from "../src/semantic-signals.ts";

const all = SignalName.options.flatMap((signal) =>
  CATALOGUE[signal].map((candidate) => [`${signal} by ${candidate.id}`, candidate] as const),
);

test("every signal has candidates, each with a name of its own", () => {
  for (const signal of SignalName.options) {
    const ids = CATALOGUE[signal].map(({ id }) => id);
    expect(ids.length, signal).toBeGreaterThan(0);
    expect(new Set(ids).size, signal).toBe(ids.length);
  }
});

describe.each(all)("%s", (_, candidate) => {
  test("is a query about the metrics it needs, of the services asked for and no other", () => {
    for (const services of [["cart"], ["a b", 'c"d', "e.f"]]) {
      const query = queryOf(candidate, "service", services, 60);
      expect(() => parsePromql(query), query).not.toThrow();
      expect(query).not.toContain("$");
      for (const { metric, matchers } of selectorsOf(query)) {
        expect(candidate.needs.map((need) => need.metric)).toContain(metric);
        expect(matchers.filter(({ name }) => name === "service")).toHaveLength(1);
      }
    }
  });
});
