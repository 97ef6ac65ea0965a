// Terms, as in Prometheus: a *selector* picks series; an *instant vector* is one sample of each series at one time; a *range vector*
// (matrix) all samples of each in a window; a *scalar* is a number without labels.
import type { LabelMatcher } from "./matcher.ts";

export type ValueType = "scalar" | "vector" | "matrix" | "string";

/** Where in the query's text a node stands. */
interface SourceSpan {
  readonly from: number;
  readonly to: number;
}

/** `offset` and `@`. */
export interface TimeShift {
  readonly offsetMs: number;
  /** Unix milliseconds, or the start or end of the query's window. */
  readonly at?: number | "start" | "end";
}

interface NumberNode extends SourceSpan {
  readonly kind: "number";
  readonly value: number;
}
interface StringNode extends SourceSpan {
  readonly kind: "string";
  readonly value: string;
}
export interface SelectorNode extends SourceSpan {
  readonly kind: "selector";
  /** The name matcher included. */
  readonly matchers: readonly LabelMatcher[];
  readonly shift: TimeShift;
}
export interface MatrixNode extends SourceSpan {
  readonly kind: "matrix";
  readonly matchers: readonly LabelMatcher[];
  readonly rangeMs: number;
  readonly shift: TimeShift;
}
export interface SubqueryNode extends SourceSpan {
  readonly kind: "subquery";
  readonly inner: PromNode;
  readonly rangeMs: number;
  /** Absent: one minute, the default evaluation interval of Prometheus. */
  readonly stepMs?: number;
  readonly shift: TimeShift;
}
export interface CallNode extends SourceSpan {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly PromNode[];
}
export interface AggregateNode extends SourceSpan {
  readonly kind: "aggregate";
  readonly op: string;
  readonly without: boolean;
  readonly labels: readonly string[];
  readonly param?: PromNode;
  readonly inner: PromNode;
}
export interface Matching {
  readonly on: boolean;
  readonly labels: readonly string[];
  /** Which side may have many series for one of the other. */
  readonly many: "none" | "left" | "right";
  /** Labels copied from the side of one. */
  readonly include: readonly string[];
}
export interface BinaryNode extends SourceSpan {
  readonly kind: "binary";
  readonly op: string;
  readonly left: PromNode;
  readonly right: PromNode;
  readonly bool: boolean;
  readonly matching: Matching;
}
interface NegateNode extends SourceSpan {
  readonly kind: "negate";
  readonly inner: PromNode;
}
interface ParenNode extends SourceSpan {
  readonly kind: "paren";
  readonly inner: PromNode;
}

export type PromNode =
  | NumberNode
  | StringNode
  | SelectorNode
  | MatrixNode
  | SubqueryNode
  | CallNode
  | AggregateNode
  | BinaryNode
  | NegateNode
  | ParenNode;

export const SET_OPERATORS: ReadonlySet<string> = new Set(["and", "or", "unless"]);
export const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">="]);

/** The node inside any parentheses. */
export function unwrap(node: PromNode): PromNode {
  let inner = node;
  while (inner.kind === "paren") inner = inner.inner;
  return inner;
}

export function childrenOf(node: PromNode): readonly PromNode[] {
  switch (node.kind) {
    case "number":
    case "string":
    case "selector":
    case "matrix":
      return [];
    case "subquery":
    case "negate":
    case "paren":
      return [node.inner];
    case "call":
      return node.args;
    case "aggregate":
      return node.param ? [node.param, node.inner] : [node.inner];
    case "binary":
      return [node.left, node.right];
  }
}
