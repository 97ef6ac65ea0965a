// What can be read off an alert's expression without evaluating it.
import { COMPARISONS, childrenOf, type PromNode, unwrap } from "./ast.ts";
import { checkTypes } from "./check-types.ts";
import { METRIC_NAME } from "./labels.ts";
import type { LabelMatcher } from "./matcher.ts";
import { parsePromql } from "./parse.ts";

/** A selector of a query: the metric's name when it is asked for by equality, and the other matchers. */
export interface SelectorText {
  readonly metric?: string;
  readonly matchers: readonly LabelMatcher[];
}

/** The threshold of an alert: `<expression> > 0.5`. */
export interface Threshold {
  readonly op: string;
  readonly value: number;
}

/**
 * The expression without its final comparison, so that its value can be charted while the alert does not fire. Of `a > 1 and b > 2` the
 * left side speaks, as its value becomes the alert's; both sides of `or` do. An expression without a comparison comes back as it is.
 *
 * @throws AppError `PROMQL_SYNTAX`, `PROMQL_UNSUPPORTED`
 */
export function stripComparison(expr: string): string {
  return stripped(expr, parsePromql(expr));
}

function stripped(expr: string, node: PromNode): string {
  const inner = unwrap(node);
  if (inner.kind !== "binary") return textOf(expr, node);
  if (inner.op === "and" || inner.op === "unless") return stripped(expr, inner.left);
  if (inner.op === "or") return `(${stripped(expr, inner.left)}) or (${stripped(expr, inner.right)})`;
  if (!COMPARISONS.has(inner.op)) return textOf(expr, node);
  return stripped(expr, isScalar(expr, inner.left) ? inner.right : inner.left);
}

/** The number the expression is finally compared with, or undefined when it is not compared with one. */
export function thresholdOf(expr: string): Threshold | undefined {
  let inner = unwrap(parsePromql(expr));
  while (inner.kind === "binary" && (inner.op === "and" || inner.op === "unless")) inner = unwrap(inner.left);
  if (inner.kind !== "binary" || !COMPARISONS.has(inner.op)) return undefined;
  const right = constant(inner.right);
  if (right !== undefined) return { op: inner.op, value: right };
  const left = constant(inner.left);
  return left === undefined ? undefined : { op: MIRRORED[inner.op] ?? inner.op, value: left };
}

/** Every selector of a query, in the order of the text. @throws AppError `PROMQL_SYNTAX`, `PROMQL_UNSUPPORTED` */
export function selectorsOf(expr: string): SelectorText[] {
  const found: SelectorText[] = [];
  const visit = (node: PromNode) => {
    if (node.kind === "selector" || node.kind === "matrix") {
      const name = node.matchers.find((matcher) => matcher.name === METRIC_NAME && matcher.op === "=");
      const matchers = node.matchers.filter((matcher) => matcher !== name);
      found.push(name ? { metric: name.value, matchers } : { matchers });
    }
    for (const child of childrenOf(node)) visit(child);
  };
  visit(parsePromql(expr));
  return found;
}

/** The expression in an alert's `generatorURL` (`/graph?g0.expr=…`, `/query?g0.expr=…`), or undefined when there is none. */
export function exprOfGeneratorUrl(url: string): string | undefined {
  try {
    const expr = new URL(url, "http://localhost").searchParams.get("g0.expr")?.trim();
    return expr ? expr : undefined;
  } catch {
    return undefined;
  }
}

const MIRRORED: Readonly<Record<string, string>> = { "<": ">", "<=": ">=", ">": "<", ">=": "<=" };

const isScalar = (expr: string, node: PromNode): boolean => checkTypes(expr, node) === "scalar";

function constant(node: PromNode): number | undefined {
  const inner = unwrap(node);
  if (inner.kind === "number") return inner.value;
  if (inner.kind === "negate") {
    const value = constant(inner.inner);
    return value === undefined ? undefined : -value;
  }
  if (inner.kind !== "binary") return undefined;
  const [left, right] = [constant(inner.left), constant(inner.right)];
  if (left === undefined || right === undefined) return undefined;
  const compute = ARITHMETIC[inner.op];
  return compute?.(left, right);
}

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
};

const textOf = (expr: string, node: PromNode): string => {
  const inner = unwrap(node);
  return expr.slice(inner.from, inner.to).trim();
};
