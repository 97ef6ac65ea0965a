import { promqlExecution } from "../errors.ts";
import type { AggregateNode } from "./ast.ts";
import { type LabelBook, Labels, METRIC_NAME } from "./labels.ts";
import { quantileOf, varianceOf } from "./range-functions.ts";
import type { Vector, VectorSample } from "./vector.ts";

type Grouping = Pick<AggregateNode, "op" | "without" | "labels">;

/** @param param of topk, bottomk and quantile; of count_values the label's name */
export function aggregate(node: Grouping, param: number | string, vector: Vector, book: LabelBook, atMs: number): Vector {
  const groups = new Map<Labels, VectorSample[]>();
  for (const sample of vector) {
    const labels = node.without ? book.drop(sample.labels, node.labels) : book.keep(sample.labels, node.labels);
    const members = groups.get(labels);
    if (members) members.push(sample);
    else groups.set(labels, [sample]);
  }
  const result: VectorSample[] = [];
  for (const [labels, members] of groups) {
    if (node.op === "topk" || node.op === "bottomk") {
      const count = Math.trunc(Number(param));
      result.push(...ranked(members, node.op === "topk").slice(0, Math.max(0, count)));
    } else if (node.op === "count_values") {
      result.push(...countValues(String(param), labels, members, atMs));
    } else {
      result.push({
        labels,
        value: combine(
          node.op,
          members.map((m) => m.value),
          Number(param),
        ),
        atMs,
      });
    }
  }
  return result;
}

function combine(op: string, values: readonly number[], param: number): number {
  switch (op) {
    case "sum":
      return sumOf(values);
    case "avg":
      return sumOf(values) / values.length;
    case "min":
      return values.reduce((best, value) => (value < best || Number.isNaN(best) ? value : best));
    case "max":
      return values.reduce((best, value) => (value > best || Number.isNaN(best) ? value : best));
    case "count":
      return values.length;
    case "group":
      return 1;
    case "stddev":
      return Math.sqrt(varianceOf(values));
    case "stdvar":
      return varianceOf(values);
    case "quantile":
      return quantileOf(param, values);
    default:
      throw promqlExecution(`aggregation ${op}`);
  }
}

/** Kahan-Neumaier, as Prometheus sums. */
function sumOf(values: readonly number[]): number {
  let sum = 0;
  let lost = 0;
  for (const value of values) {
    const next = sum + value;
    if (Number.isFinite(next)) lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return Number.isFinite(sum) ? sum + lost : sum;
}

/** Best first; NaN is worse than anything. */
function ranked(members: readonly VectorSample[], largestFirst: boolean): VectorSample[] {
  const worst = largestFirst ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const rank = (value: number) => (Number.isNaN(value) ? worst : value);
  return members.toSorted((a, b) => {
    const [x, y] = [rank(a.value), rank(b.value)];
    if (x === y) return Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value));
    return (x < y ? -1 : 1) * (largestFirst ? -1 : 1);
  });
}

function countValues(label: string, group: Labels, members: readonly VectorSample[], atMs: number): VectorSample[] {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(label) || label === METRIC_NAME) throw promqlExecution(`invalid label name "${label}"`);
  const counts = new Map<string, number>();
  for (const { value } of members) counts.set(formatNumber(value), (counts.get(formatNumber(value)) ?? 0) + 1);
  return [...counts].map(([text, count]) => ({ labels: Labels.fromPairs([...group.pairs(), [label, text]]), value: count, atMs }));
}

/** A number as Prometheus writes it. */
function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}
