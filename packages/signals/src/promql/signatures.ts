import type { ValueType } from "./ast.ts";

/** What a function takes and gives. Arguments after `required` may be left out. */
export interface Signature {
  readonly args: readonly ValueType[];
  readonly required: number;
  readonly returns: ValueType;
  /** The last argument may repeat. */
  readonly variadic?: boolean;
}

const takes = (returns: ValueType, args: readonly ValueType[], required = args.length): Signature => ({ args, required, returns });
const overRange = takes("vector", ["matrix"]);
const ofVector = takes("vector", ["vector"]);
const ofVectorOrNow = takes("vector", ["vector"], 0);

/** The functions the embedded metrics know, as documented in README.md. */
export const SIGNATURES: ReadonlyMap<string, Signature> = new Map<string, Signature>([
  ...["rate", "irate", "increase", "delta", "idelta", "deriv", "changes", "resets"].map((name) => [name, overRange] as const),
  ...["avg", "min", "max", "sum", "count", "last", "first", "present", "stddev", "stdvar", "mad"].map(
    (name) => [`${name}_over_time`, overRange] as const,
  ),
  ["quantile_over_time", takes("vector", ["scalar", "matrix"])],
  ["predict_linear", takes("vector", ["matrix", "scalar"])],
  ["absent_over_time", overRange],
  ["absent", ofVector],
  ...["abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "sgn"].map((name) => [name, ofVector] as const),
  ...["minute", "hour", "day_of_week", "day_of_month", "month", "year"].map((name) => [name, ofVectorOrNow] as const),
  ["sort", ofVector],
  ["sort_desc", ofVector],
  ["timestamp", ofVector],
  ["round", takes("vector", ["vector", "scalar"], 1)],
  ["clamp", takes("vector", ["vector", "scalar", "scalar"])],
  ["clamp_min", takes("vector", ["vector", "scalar"])],
  ["clamp_max", takes("vector", ["vector", "scalar"])],
  ["histogram_quantile", takes("vector", ["scalar", "vector"])],
  ["label_replace", takes("vector", ["vector", "string", "string", "string", "string"])],
  ["label_join", { args: ["vector", "string", "string", "string"], required: 3, returns: "vector", variadic: true }],
  ["scalar", takes("scalar", ["vector"])],
  ["vector", takes("vector", ["scalar"])],
  ["time", takes("scalar", [])],
  ["pi", takes("scalar", [])],
]);

/** Aggregations, and the type of their parameter when they have one. */
export const AGGREGATIONS: ReadonlyMap<string, ValueType | undefined> = new Map<string, ValueType | undefined>([
  ...["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"].map((name) => [name, undefined] as const),
  ["topk", "scalar"],
  ["bottomk", "scalar"],
  ["quantile", "scalar"],
  ["count_values", "string"],
]);

/** Aggregations that keep the series they choose instead of making new ones. */
export const isSelecting = (op: string): boolean => op === "topk" || op === "bottomk";
