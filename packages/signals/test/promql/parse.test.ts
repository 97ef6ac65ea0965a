import { AppError } from "@tocsin/runtime";
import { describe, expect, test } from "vitest";
import { parsePromql } from "../../src/promql/parse.ts";

const refusalOf = (query: string): AppError => {
  try {
    parsePromql(query);
  } catch (error) {
    if (AppError.is(error)) return error;
  }
  throw new Error(`not refused: ${query}`);
};

describe("a query that is none", () => {
  test.each([
    ["", 1, /empty/],
    ["   ", 1, /empty/],
    ["sum(rate(x[5m])", 16, /unexpected end/],
    ["a + ", 5, /unexpected end/],
    ['x{a="b}', 8, /unexpected end/],
    ["a b", 3, /unexpected "b"/],
    ["x[0s]", 1, /greater than 0/],
    ["rate(x)", 6, /expected range vector/],
    ["x[5m] + 1", 1, /range vector/],
    ["1 > 2", 1, /must use bool/],
    ["a + bool b", 1, /bool is for comparisons/],
    ["a and 1", 1, /set operator and/],
    ["a and on (x) group_left b", 7, /no grouping/],
    ["topk(a)", 1, /two arguments/],
    ["sum(1, a)", 1, /one argument/],
    ["{}", 1, /at least one matcher/],
    ['{a=~".*"}', 1, /at least one matcher/],
    ['x{a=~"("}', 6, /not a regular expression/],
    ["clamp(x, 1)", 1, /number of arguments/],
    ["sum(x) offset 5m", 1, /offset and @/],
    [`${"(".repeat(200)}1${")".repeat(200)}`, 102, /nested too deeply/],
    ["x".repeat(20_001), 20_001, /too long/],
  ])("%s is refused at its position", (query, position, reason) => {
    const error = refusalOf(query);
    expect(error.code).toBe("PROMQL_SYNTAX");
    expect(error.details["position"]).toBe(position);
    expect(error.message).toMatch(reason);
  });
});

describe("a query of what the embedded metrics lack", () => {
  test.each([
    ["holt_winters(x[5m], 0.5, 0.5)", "holt_winters"],
    ["histogram_fraction(0, 1, x)", "histogram_fraction"],
    ["made_up(x)", "made_up"],
    ["limitk(1, x)", "limitk"],
    ["x atan2 y", "atan2"],
  ])("%s is refused by name", (query, name) => {
    const error = refusalOf(query);
    expect(error.code).toBe("PROMQL_UNSUPPORTED");
    expect(error.message).toContain(name);
  });
});

describe("what the grammar of the editor reads otherwise than Prometheus", () => {
  test("offset belongs to the operand it follows, not to the whole sum", () => {
    expect(parsePromql("a + b offset 5m")).toMatchObject({
      kind: "binary",
      left: { kind: "selector", shift: { offsetMs: 0 } },
      right: { kind: "selector", shift: { offsetMs: 300_000 } },
    });
  });

  test("a power binds tighter than the sign before it", () => {
    expect(parsePromql("-2 ^ 2")).toMatchObject({ kind: "negate", inner: { kind: "binary", left: { value: 2 } } });
  });

  test("offset and @ may come in any order, and offset may be negative", () => {
    expect(parsePromql("a[5m] @ 100 offset -1m")).toMatchObject({ kind: "matrix", shift: { at: 100_000, offsetMs: -60_000 } });
    expect(parsePromql("a[5m] offset -1m @ end()")).toMatchObject({ kind: "matrix", shift: { at: "end", offsetMs: -60_000 } });
  });
});

test("strings know Go's escapes and raw quotes", () => {
  const textIn = (query: string) => {
    const node = parsePromql(query);
    return node.kind === "selector" ? node.matchers[1]?.value : undefined;
  };
  expect(textIn('x{a="\\u00e4\\x41\\n\\"\\\\"}')).toBe('äA\n"\\');
  expect(textIn("x{a='it\\'s'}")).toBe("it's");
  expect(textIn("x{a=`raw\\n`}")).toBe("raw\\n");
});
