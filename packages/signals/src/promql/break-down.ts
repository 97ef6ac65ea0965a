// An expression that adds all services up says that something is wrong and not where. Asked again by service, it says where.
import { type AggregateNode, type BinaryNode, COMPARISONS, childrenOf, type PromNode, SET_OPERATORS, unwrap } from "./ast.ts";
import { parsePromql } from "./parse.ts";
import type { Threshold } from "./rewrite.ts";

/** Aggregations of which a part means what the whole means. `topk` keeps all labels, `count_values` makes new ones. */
const DIVISIBLE: ReadonlySet<string> = new Set(["sum", "avg", "min", "max", "count", "stddev", "stdvar", "quantile", "group"]);
/** Functions whose answer has no labels of what they were given. */
const WITHOUT_LABELS: ReadonlySet<string> = new Set(["absent", "absent_over_time", "scalar", "vector"]);
const PLAIN_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * The expression with each aggregation kept apart by these labels as well; a label that a series does not have splits nothing.
 *
 * @param query without its final comparison, as `stripComparison` gives it
 * @param threshold what the whole is compared with: a part of a total is always below an upper line, which would say nothing
 * @returns undefined where nothing is aggregated away, or where the parts would not mean what the whole means
 * @throws AppError `PROMQL_SYNTAX`, `PROMQL_UNSUPPORTED`
 */
export function breakDown(query: string, by: readonly string[], threshold?: Threshold): string | undefined {
  const node = parsePromql(query);
  if (!isDivisible(node)) return undefined;
  if (threshold !== undefined && !threshold.op.startsWith(">") && isTotal(node)) return undefined;
  const broken = written(query, node, by);
  return broken === query ? undefined : broken;
}

function isDivisible(node: PromNode): boolean {
  if (node.kind === "aggregate" && (!DIVISIBLE.has(node.op) || !node.labels.every((label) => PLAIN_LABEL.test(label)))) return false;
  if (node.kind === "call" && WITHOUT_LABELS.has(node.name)) return false;
  if (node.kind === "binary" && !matchesAllLabels(node)) return false;
  return childrenOf(node).every(isDivisible);
}

/** Sides that are matched by chosen labels would no longer meet one to one. */
const matchesAllLabels = ({ matching }: BinaryNode): boolean => !matching.on && matching.labels.length === 0 && matching.many === "none";

/** Is the value the sum of its parts? Then no part can be told from the whole by a lower line. */
function isTotal(node: PromNode): boolean {
  const inner = unwrap(node);
  switch (inner.kind) {
    case "aggregate":
      return inner.op === "sum" || inner.op === "count";
    case "binary": {
      if (inner.op === "/" && !isConstant(inner.right)) return false;
      if (COMPARISONS.has(inner.op) || SET_OPERATORS.has(inner.op)) return isTotal(inner.left);
      return isTotal(inner.left) || isTotal(inner.right);
    }
    case "call":
      return inner.name !== "histogram_quantile" && inner.args.some(isTotal);
    case "negate":
    case "subquery":
      return isTotal(inner.inner);
    default:
      return false;
  }
}

const isConstant = (node: PromNode): boolean => {
  const inner = unwrap(node);
  return inner.kind === "number" || (inner.kind === "binary" && isConstant(inner.left) && isConstant(inner.right));
};

/** The node's text, with the texts of its parts put in their places. */
function written(query: string, node: PromNode, by: readonly string[]): string {
  if (node.kind === "aggregate") return aggregated(query, node, by);
  let text = "";
  let at = node.from;
  for (const child of childrenOf(node).toSorted((a, b) => a.from - b.from)) {
    text += query.slice(at, child.from) + written(query, child, by);
    at = child.to;
  }
  return text + query.slice(at, node.to);
}

function aggregated(query: string, node: AggregateNode, by: readonly string[]): string {
  const inner = written(query, node.inner, by);
  const loses = node.without ? by.some((label) => node.labels.includes(label)) : by.some((label) => !node.labels.includes(label));
  const labels = node.without ? node.labels.filter((label) => !by.includes(label)) : [...new Set([...node.labels, ...by])];
  if (!loses) return query.slice(node.from, node.inner.from) + inner + query.slice(node.inner.to, node.to);
  const param = node.param === undefined ? "" : `${query.slice(node.param.from, node.param.to)}, `;
  return `${node.op} ${node.without ? "without" : "by"} (${labels.join(", ")}) (${param}${inner})`;
}
