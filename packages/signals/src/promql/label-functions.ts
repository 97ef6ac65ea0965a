import { promqlExecution } from "../errors.ts";
import { type LabelBook, Labels, METRIC_NAME } from "./labels.ts";
import { compilePattern, type LabelMatcher } from "./matcher.ts";
import type { Vector } from "./vector.ts";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `label_replace(v, target, replacement, source, pattern)`; the series whose source does not match stay as they are. */
export function labelReplace(vector: Vector, args: readonly string[], book: LabelBook): Vector {
  const [target = "", replacement = "", source = "", pattern = ""] = args;
  if (!NAME.test(target)) throw promqlExecution(`invalid target label name in label_replace(): ${target}`);
  const compiled = compilePattern(pattern);
  const replaced = vector.map((sample) => {
    const match = compiled.exec(sample.labels.get(source));
    if (!match) return sample;
    const value = replacement.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, bare?: string, braced?: string) => {
      const name = bare ?? braced;
      if (name === undefined) return whole === "$$" ? "$" : whole;
      return (/^\d+$/.test(name) ? match[Number(name)] : match.groups?.[name]) ?? "";
    });
    return { ...sample, labels: book.intern(sample.labels.with([[target, value]])) };
  });
  return refuseDuplicates(replaced, "label_replace()");
}

/** `label_join(v, target, separator, ...sources)`. */
export function labelJoin(vector: Vector, args: readonly string[], book: LabelBook): Vector {
  const [target = "", separator = "", ...sources] = args;
  if (!NAME.test(target)) throw promqlExecution(`invalid target label name in label_join(): ${target}`);
  const joined = vector.map((sample) => {
    const value = sources.map((name) => sample.labels.get(name)).join(separator);
    return { ...sample, labels: book.intern(sample.labels.with([[target, value]])) };
  });
  return refuseDuplicates(joined, "label_join()");
}

/** What `absent` says of a selector that found nothing: the labels it asks for by equality, each once. */
export function labelsOfAbsence(matchers: readonly LabelMatcher[]): Labels {
  const equal = new Map<string, string>();
  const ambiguous = new Set<string>();
  for (const { name, op, value } of matchers) {
    if (name === METRIC_NAME) continue;
    if (op !== "=" || equal.has(name)) ambiguous.add(name);
    else equal.set(name, value);
  }
  return Labels.fromPairs([...equal].filter(([name]) => !ambiguous.has(name)));
}

/** @throws AppError `PROMQL_EXECUTION` when two samples carry the same labels */
export function refuseDuplicates(vector: Vector, where: string): Vector {
  const seen = new Set<string>();
  for (const { labels } of vector) {
    if (seen.has(labels.key)) throw promqlExecution(`vector cannot contain metrics with the same labelset (${where})`);
    seen.add(labels.key);
  }
  return vector;
}
