import { describe, expect, test } from "vitest";
import { compileMatcher, compilePattern } from "../../src/promql/matcher.ts";
import { escapePattern, quoteAnyOf, quoteLabelValue } from "../../src/promql/quote.ts";
import { selectorsOf } from "../../src/promql/rewrite.ts";

const NASTY = ['a"b', "a\\b", "a\nb", "a\\", '"} or up{x="', "a|b", ".*", "(", "[", "ä", "a\\\\n", "\r", "{}", "$1", "a-b"];

test.each(NASTY)("a value survives quoting as it is: %j", (value) => {
  expect(selectorsOf(`x{a=${quoteLabelValue(value)}}`)).toEqual([{ metric: "x", matchers: [{ name: "a", op: "=", value }] }]);
});

test("a quoted choice of values matches these and no other", () => {
  const [selector] = selectorsOf(`x{a=~${quoteAnyOf(NASTY)}}`);
  const matches = compileMatcher(selector?.matchers[0] ?? { name: "", op: "=", value: "" });
  for (const value of NASTY) expect(matches(value), value).toBe(true);
  for (const value of ["a", "b", "x", "anything", ""]) expect(matches(value), value).toBe(false);
});

test("patterns are anchored and know RE2's flags and named groups", () => {
  expect(compilePattern("a.c").test("xabcx")).toBe(false);
  expect(compilePattern("(?i)ABC").test("abc")).toBe(true);
  expect(compilePattern("(?P<name>a+)b").test("aab")).toBe(true);
  expect(compilePattern("a|b").test("ab")).toBe(false);
  expect(compilePattern("a.c").test("a\nc")).toBe(true);
  expect(compilePattern(escapePattern("a.c")).test("abc")).toBe(false);
});

describe("a pattern that RE2 would not run away with", () => {
  test.each(["(a+)+$", "(a|aa)+", "((a*))*", "([a-z]+)*x", "(.*a){10,20}", "(a|b|ab)*c", ".*.*.*.*.*.*.*.*.*x"])(
    "%s is refused",
    (pattern) => {
      expect(() => compilePattern(pattern)).toThrow(/repeat|unbounded/);
    },
  );
  test.each(["(?=a)b", "(?!a)b", "(?<=a)b", "(a)\\1"])("%s is not RE2, and refused", (pattern) => {
    expect(() => compilePattern(pattern)).toThrow(/not supported/);
  });
  test.each(["5..", "(foo|bar)", "(foo|bar)-.*", "(?:.*/)?(?:a|b)(?:@.*)?", "[()*+|]+", "a\\(b+\\)", "(ab)+"])("%s is fine", (pattern) => {
    expect(() => compilePattern(pattern)).not.toThrow();
  });
});
