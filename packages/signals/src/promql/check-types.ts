import { promqlSyntax, promqlUnsupported } from "../errors.ts";
import { COMPARISONS, type PromNode, SET_OPERATORS, type ValueType } from "./ast.ts";
import { AGGREGATIONS, SIGNATURES } from "./signatures.ts";

const WORDS: Readonly<Record<ValueType, string>> = {
  scalar: "scalar",
  vector: "instant vector",
  matrix: "range vector",
  string: "string",
};

/**
 * What a (sub)expression gives; throws when an operand has the wrong type.
 *
 * @throws AppError `PROMQL_SYNTAX` or `PROMQL_UNSUPPORTED`
 */
export function checkTypes(query: string, node: PromNode): ValueType {
  const expect = (operand: PromNode, wanted: ValueType, where: string) => {
    const type = checkTypes(query, operand);
    if (type !== wanted) throw promqlSyntax(query, operand.from, `expected ${WORDS[wanted]} in ${where}, got ${WORDS[type]}`);
  };
  switch (node.kind) {
    case "number":
      return "scalar";
    case "string":
      return "string";
    case "selector":
      return "vector";
    case "matrix":
      return "matrix";
    case "subquery":
      expect(node.inner, "vector", "a subquery");
      return "matrix";
    case "paren":
      return checkTypes(query, node.inner);
    case "negate": {
      const type = checkTypes(query, node.inner);
      if (type !== "scalar" && type !== "vector") throw promqlSyntax(query, node.from, `unary minus on ${WORDS[type]}`);
      return type;
    }
    case "aggregate": {
      if (!AGGREGATIONS.has(node.op)) throw promqlUnsupported(query, `the aggregation ${node.op}`);
      const wanted = AGGREGATIONS.get(node.op);
      if (wanted === undefined && node.param) throw promqlSyntax(query, node.from, `${node.op} takes one argument`);
      if (wanted !== undefined && !node.param) throw promqlSyntax(query, node.from, `${node.op} takes two arguments`);
      if (wanted !== undefined && node.param) expect(node.param, wanted, `the parameter of ${node.op}`);
      expect(node.inner, "vector", `aggregation ${node.op}`);
      return "vector";
    }
    case "call": {
      const signature = SIGNATURES.get(node.name);
      if (!signature) throw promqlUnsupported(query, `the function ${node.name}()`);
      const most = signature.variadic ? Number.POSITIVE_INFINITY : signature.args.length;
      if (node.args.length < signature.required || node.args.length > most)
        throw promqlSyntax(query, node.from, `wrong number of arguments for ${node.name}(): ${node.args.length}`);
      node.args.forEach((arg, index) => {
        const wanted = signature.args[Math.min(index, signature.args.length - 1)];
        if (wanted) expect(arg, wanted, `call to ${node.name}()`);
      });
      return signature.returns;
    }
    case "binary": {
      const left = checkTypes(query, node.left);
      const right = checkTypes(query, node.right);
      for (const [operand, type] of [
        [node.left, left],
        [node.right, right],
      ] as const)
        if (type !== "scalar" && type !== "vector")
          throw promqlSyntax(query, operand.from, `${node.op} works on scalars and instant vectors, not on a ${WORDS[type]}`);
      if (SET_OPERATORS.has(node.op) && (left !== "vector" || right !== "vector"))
        throw promqlSyntax(query, node.from, `set operator ${node.op} not allowed with a scalar`);
      if (left === "scalar" && right === "scalar") {
        if (COMPARISONS.has(node.op) && !node.bool) throw promqlSyntax(query, node.from, "comparisons between scalars must use bool");
        return "scalar";
      }
      return "vector";
    }
  }
}
