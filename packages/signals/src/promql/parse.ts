// From PromQL text to our tree, by Prometheus's own grammar (the one its web interface uses). That grammar is made for an editor: it
// accepts more than the server and lets `offset` take the whole expression to its left, so both are put right here.
import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";
import { promqlSyntax, promqlUnsupported } from "../errors.ts";
import { COMPARISONS, type Matching, type PromNode, SET_OPERATORS, type TimeShift } from "./ast.ts";
import { checkTypes } from "./check-types.ts";
import { METRIC_NAME } from "./labels.ts";
import { parseDurationMs, parseNumber, parseString } from "./literals.ts";
import { compileMatcher, type LabelMatcher, type MatchOperator } from "./matcher.ts";

const MAX_QUERY_CHARS = 20_000;
const MAX_DEPTH = 100;
const NO_SHIFT: TimeShift = { offsetMs: 0 };
const NO_MATCHING: Matching = { on: false, labels: [], many: "none", include: [] };

/**
 * Parses and type-checks a query.
 *
 * @throws AppError `PROMQL_SYNTAX` with `details.position` (from 1), `PROMQL_UNSUPPORTED` naming what the embedded metrics lack
 */
export function parsePromql(query: string): PromNode {
  if (query.length > MAX_QUERY_CHARS) throw promqlSyntax(query.slice(0, 200), MAX_QUERY_CHARS, "the query is too long");
  const tree = parser.parse(query);
  let firstError: SyntaxNode | undefined;
  tree.iterate({
    enter(ref) {
      if (ref.type.isError && (firstError === undefined || ref.from < firstError.from)) firstError = ref.node;
    },
  });
  if (firstError) throw syntaxErrorAt(query, firstError);
  const expression = tree.topNode.firstChild;
  if (!expression) throw promqlSyntax(query, 0, "the query is empty");
  const node = new TreeReader(query).read(expression, 0);
  checkTypes(query, node);
  return node;
}

function syntaxErrorAt(query: string, error: SyntaxNode): Error {
  const rest = query.slice(error.from);
  const call = /([A-Za-z_][A-Za-z0-9_]*)\s*$/.exec(query.slice(0, error.from));
  if (rest.trimStart().startsWith("(") && call?.[1]) return promqlUnsupported(query, `the function ${call[1]}()`);
  if (query.trim() === "") return promqlSyntax(query, 0, "the query is empty");
  return promqlSyntax(query, error.from, rest.trim() === "" ? "unexpected end" : `unexpected ${JSON.stringify(rest.trim().slice(0, 20))}`);
}

class TreeReader {
  private readonly query: string;

  constructor(query: string) {
    this.query = query;
  }

  read(node: SyntaxNode, depth: number): PromNode {
    if (depth > MAX_DEPTH) throw promqlSyntax(this.query, node.from, "nested too deeply");
    const span = { from: node.from, to: node.to };
    const inner = (child: SyntaxNode | null) => this.read(child ?? this.fail(node, "incomplete expression"), depth + 1);
    switch (node.name) {
      case "NumberDurationLiteral":
        return { kind: "number", value: parseNumber(this.text(node)) ?? this.fail(node, "not a number"), ...span };
      case "StringLiteral":
        return { kind: "string", value: this.string(node), ...span };
      case "ParenExpr":
        return { kind: "paren", inner: inner(node.firstChild), ...span };
      case "VectorSelector":
        return { kind: "selector", matchers: this.matchers(node), shift: NO_SHIFT, ...span };
      case "MatrixSelector":
        return this.onRightmost(inner(node.firstChild), node, (target) => {
          if (target.kind !== "selector") return this.fail(node, "a range needs a selector before it");
          const rangeMs = this.positive(node.lastChild, node);
          return { kind: "matrix", matchers: target.matchers, rangeMs, shift: target.shift, from: target.from, to: node.to };
        });
      case "SubqueryExpr": {
        const [rangeNode, stepNode] = node.getChildren("DurationExpr");
        const rangeMs = this.positive(rangeNode ?? null, node);
        return this.onRightmost(inner(node.firstChild), node, (target) => ({
          kind: "subquery",
          inner: target,
          rangeMs,
          ...(stepNode ? { stepMs: this.positive(stepNode, node) } : {}),
          shift: NO_SHIFT,
          from: target.from,
          to: node.to,
        }));
      }
      case "OffsetExpr": {
        const offsetMs = this.duration(node.getChild("OffsetDurationExpr"), node);
        return this.onRightmost(inner(node.firstChild), node, (target) => this.shifted(target, node, { offsetMs }));
      }
      case "StepInvariantExpr": {
        const at = this.at(node);
        return this.onRightmost(inner(node.firstChild), node, (target) => this.shifted(target, node, { at }));
      }
      case "UnaryExpr": {
        const operand = inner(node.lastChild);
        const minus = this.text(node.firstChild ?? node) === "-";
        return minus ? { kind: "negate", inner: operand, ...span } : { kind: "paren", inner: operand, ...span };
      }
      case "FunctionCall": {
        const name = this.text(node.firstChild ?? node);
        return { kind: "call", name, args: this.args(node, depth), ...span };
      }
      case "AggregateExpr":
        return this.aggregate(node, depth);
      case "BinaryExpr":
        return this.binary(node, depth);
      default:
        throw promqlUnsupported(this.query, `"${this.text(node).slice(0, 60)}" (${node.name})`);
    }
  }

  private aggregate(node: SyntaxNode, depth: number): PromNode {
    const op = this.text(node.getChild("AggregateOp") ?? node).toLowerCase();
    const modifier = node.getChild("AggregateModifier");
    const args = this.args(node, depth);
    const last = args[args.length - 1] ?? this.fail(node, `${op} needs an expression`);
    if (args.length > 2) this.fail(node, `${op} takes at most two arguments`);
    const param = args.length === 2 ? args[0] : undefined;
    return {
      kind: "aggregate",
      op,
      without: modifier?.getChild("Without") != null,
      labels: this.labelNames(modifier?.getChild("GroupingLabels")),
      ...(param ? { param } : {}),
      inner: last,
      from: node.from,
      to: node.to,
    };
  }

  private binary(node: SyntaxNode, depth: number): PromNode {
    const children: SyntaxNode[] = [];
    for (let child = node.firstChild; child; child = child.nextSibling) children.push(child);
    const [leftNode, opNode] = children;
    const rightNode = children[children.length - 1];
    if (!leftNode || !opNode || !rightNode) return this.fail(node, "incomplete expression");
    const op = this.text(opNode).toLowerCase();
    if (node.getChild("FillModifier")) throw promqlUnsupported(this.query, "the modifier fill()");
    if (op === "atan2" || op === "</" || op === ">/") throw promqlUnsupported(this.query, `the operator ${op}`);
    const bool = node.getChild("BoolModifier") !== null;
    if (bool && !COMPARISONS.has(op)) this.fail(node, "bool is for comparisons only");
    const clause = node.getChild("MatchingModifierClause");
    const left = this.read(leftNode, depth + 1);
    const right = this.read(rightNode, depth + 1);
    const made = { kind: "binary", op, bool, matching: this.matching(clause, op), from: node.from, to: node.to } as const;
    // The grammar reads `-1 ^ 2` as (-1)^2; Prometheus reads it as -(1^2).
    if (op === "^" && left.kind === "number" && this.text(leftNode).startsWith("-")) {
      const positive = { ...left, value: -left.value };
      return { kind: "negate", inner: { ...made, left: positive, right }, from: node.from, to: node.to };
    }
    return { ...made, left, right };
  }

  private matching(clause: SyntaxNode | null, op: string): Matching {
    if (!clause) return NO_MATCHING;
    const [labels, include] = clause.getChildren("GroupingLabels");
    const many = clause.getChild("GroupLeft") ? "left" : clause.getChild("GroupRight") ? "right" : "none";
    if (many !== "none" && SET_OPERATORS.has(op)) this.fail(clause, `no grouping allowed for ${op}`);
    return { on: clause.getChild("On") !== null, labels: this.labelNames(labels), many, include: this.labelNames(include) };
  }

  /**
   * The grammar hands `a + b offset 5m` over as (a + b) offset 5m; the suffix belongs to the rightmost operand, unless there are
   * parentheses.
   */
  private onRightmost(node: PromNode, suffix: SyntaxNode, apply: (target: PromNode) => PromNode): PromNode {
    if (node.kind === "binary") return { ...node, right: this.onRightmost(node.right, suffix, apply), to: suffix.to };
    if (node.kind === "negate") return { ...node, inner: this.onRightmost(node.inner, suffix, apply), to: suffix.to };
    return apply(node);
  }

  private shifted(target: PromNode, node: SyntaxNode, change: Partial<TimeShift>): PromNode {
    if (target.kind !== "selector" && target.kind !== "matrix" && target.kind !== "subquery")
      return this.fail(node, "offset and @ need a selector or a subquery before them");
    return { ...target, shift: { ...target.shift, ...change }, to: node.to };
  }

  private at(node: SyntaxNode): number | "start" | "end" {
    const literal = node.getChild("NumberDurationLiteral");
    if (literal) return (parseNumber(this.text(literal)) ?? this.fail(node, "not a time")) * 1_000;
    return node.getChild("AtModifierPreprocessors")?.getChild("AtStart") ? "start" : "end";
  }

  private args(node: SyntaxNode, depth: number): PromNode[] {
    const args: PromNode[] = [];
    for (let child = node.getChild("FunctionCallBody")?.firstChild ?? null; child; child = child.nextSibling)
      args.push(this.read(child, depth + 1));
    return args;
  }

  private matchers(node: SyntaxNode): LabelMatcher[] {
    const matchers: LabelMatcher[] = [];
    const identifier = node.getChild("Identifier");
    if (identifier) matchers.push({ name: METRIC_NAME, op: "=", value: this.text(identifier) });
    const list = node.getChild("LabelMatchers");
    for (let child = list?.firstChild ?? null; child; child = child.nextSibling) {
      if (child.name === "QuotedLabelName") {
        matchers.push({ name: METRIC_NAME, op: "=", value: this.string(child) });
        continue;
      }
      const nameNode = child.getChild("LabelName") ?? child.getChild("QuotedLabelName");
      const opNode = child.getChild("MatchOp");
      const valueNode = child.getChild("StringLiteral");
      if (!nameNode || !opNode || !valueNode) return this.fail(child, "incomplete label matcher");
      const name = nameNode.name === "LabelName" ? this.text(nameNode) : this.string(nameNode);
      const matcher = { name, op: this.text(opNode) as MatchOperator, value: this.string(valueNode) };
      try {
        compileMatcher(matcher);
      } catch (error) {
        this.fail(valueNode, (error as Error).message);
      }
      matchers.push(matcher);
    }
    if (matchers.every((matcher) => compileMatcher(matcher)("")))
      this.fail(node, "a selector needs at least one matcher that does not match the empty text");
    return matchers;
  }

  private labelNames(node: SyntaxNode | null | undefined): string[] {
    const names: string[] = [];
    for (let child = node?.firstChild ?? null; child; child = child.nextSibling)
      names.push(child.name === "LabelName" ? this.text(child) : this.string(child));
    return names;
  }

  private positive(node: SyntaxNode | null, parent: SyntaxNode): number {
    const ms = this.duration(node, parent);
    return ms > 0 ? ms : this.fail(parent, "a duration must be greater than 0");
  }

  private duration(node: SyntaxNode | null, parent: SyntaxNode): number {
    const text = this.text(node ?? parent).replace(/\s+/g, "");
    const negative = text.startsWith("-");
    const ms = parseDurationMs(text.replace(/^[+-]/, ""));
    if (ms === undefined || !Number.isFinite(ms)) return this.fail(node ?? parent, `not a duration: ${text}`);
    return negative ? -ms : ms;
  }

  private string(node: SyntaxNode): string {
    return parseString(this.text(node)) ?? this.fail(node, "not a closed string, or an unknown escape in it");
  }

  private text(node: SyntaxNode): string {
    return this.query.slice(node.from, node.to);
  }

  private fail(node: SyntaxNode, reason: string): never {
    throw promqlSyntax(this.query, node.from, reason);
  }
}
