import { promqlExecution } from "../errors.ts";
import { type BinaryNode, COMPARISONS, type Matching } from "./ast.ts";
import type { LabelBook, Labels } from "./labels.ts";
import type { Vector, VectorSample } from "./vector.ts";

type Operation = Pick<BinaryNode, "op" | "bool" | "matching">;

/** Arithmetic gives a number, a comparison whether it holds. */
function apply(op: string, a: number, b: number): { value: number; holds: boolean } {
  switch (op) {
    case "+":
      return { value: a + b, holds: true };
    case "-":
      return { value: a - b, holds: true };
    case "*":
      return { value: a * b, holds: true };
    case "/":
      return { value: a / b, holds: true };
    case "%":
      return { value: a % b, holds: true };
    case "^":
      return { value: a ** b, holds: true };
    case "==":
      return { value: a, holds: a === b };
    case "!=":
      return { value: a, holds: a !== b };
    case "<":
      return { value: a, holds: a < b };
    case "<=":
      return { value: a, holds: a <= b };
    case ">":
      return { value: a, holds: a > b };
    case ">=":
      return { value: a, holds: a >= b };
    default:
      throw promqlExecution(`operator ${op}`);
  }
}

export function scalarScalar(op: string, a: number, b: number): number {
  const { value, holds } = apply(op, a, b);
  return COMPARISONS.has(op) ? Number(holds) : value;
}

export function vectorScalar(node: Operation, vector: Vector, scalar: number, scalarIsLeft: boolean, book: LabelBook): Vector {
  const comparison = COMPARISONS.has(node.op);
  const result: VectorSample[] = [];
  for (const sample of vector) {
    const { value, holds } = scalarIsLeft ? apply(node.op, scalar, sample.value) : apply(node.op, sample.value, scalar);
    if (!comparison) result.push({ ...sample, labels: book.dropName(sample.labels), value });
    else if (node.bool) result.push({ ...sample, labels: book.dropName(sample.labels), value: Number(holds) });
    else if (holds) result.push(sample);
  }
  return result;
}

/** The labels by which two sides meet. */
function signature(labels: Labels, matching: Matching, book: LabelBook): Labels {
  return matching.on ? book.keep(labels, matching.labels) : book.drop(labels, matching.labels);
}

export function setOperation(op: string, left: Vector, right: Vector, matching: Matching, book: LabelBook): Vector {
  const inRight = new Set(right.map((sample) => signature(sample.labels, matching, book)));
  if (op === "and") return left.filter((sample) => inRight.has(signature(sample.labels, matching, book)));
  if (op === "unless") return left.filter((sample) => !inRight.has(signature(sample.labels, matching, book)));
  const inLeft = new Set(left.map((sample) => signature(sample.labels, matching, book)));
  return [...left, ...right.filter((sample) => !inLeft.has(signature(sample.labels, matching, book)))];
}

/** One-to-one, many-to-one and one-to-many, with Prometheus's refusals. */
export function vectorVector(node: Operation, left: Vector, right: Vector, book: LabelBook): Vector {
  const { matching } = node;
  const comparison = COMPARISONS.has(node.op);
  const swapped = matching.many === "right";
  const [manySide, oneSide] = swapped ? [right, left] : [left, right];
  const ones = new Map<Labels, VectorSample>();
  for (const sample of oneSide) {
    const key = signature(sample.labels, matching, book);
    if (ones.has(key))
      throw promqlExecution(
        `found duplicate series for the match group ${JSON.stringify(key.toSet())} on the ${swapped ? "left" : "right"} side of ${node.op}; many-to-many matching not allowed: matching labels must be unique on one side`,
      );
    ones.set(key, sample);
  }
  const matched = new Map<Labels, Set<Labels>>();
  const result: VectorSample[] = [];
  for (const sample of manySide) {
    const key = signature(sample.labels, matching, book);
    const one = ones.get(key);
    if (!one) continue;
    const [a, b] = swapped ? [one.value, sample.value] : [sample.value, one.value];
    const { value, holds } = apply(node.op, a, b);
    if (comparison && !node.bool && !holds) continue;
    const labels = resultLabels(sample.labels, one.labels, node, comparison, book);
    const seen = matched.get(key);
    if (!seen) matched.set(key, new Set([labels]));
    else if (matching.many === "none")
      throw promqlExecution(
        `multiple matches for labels on the left side of ${node.op}: many-to-one matching must be explicit (group_left/group_right)`,
      );
    else if (seen.has(labels)) throw promqlExecution("multiple matches for labels: grouping labels must ensure unique matches");
    else seen.add(labels);
    result.push({ labels, value: comparison && node.bool ? Number(holds) : value, atMs: sample.atMs });
  }
  return result;
}

function resultLabels(many: Labels, one: Labels, node: Operation, comparison: boolean, book: LabelBook): Labels {
  const { matching } = node;
  const dropsName = !comparison || node.bool;
  let labels = dropsName ? book.dropName(many) : many;
  if (matching.many === "none") {
    // Prometheus drops the labels of ignoring(), and keeps those of on() alone.
    return matching.on
      ? book.keep(labels, matching.labels)
      : book.derive(labels, `ignoring ${matching.labels.join(",")}`, (l) => l.filter((name) => !matching.labels.includes(name)));
  }
  if (matching.include.length > 0) labels = book.intern(labels.with(matching.include.map((name) => [name, one.get(name)] as const)));
  return labels;
}
