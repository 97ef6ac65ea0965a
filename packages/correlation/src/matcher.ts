// Terms. A *matcher* is a condition on an alert, written in a small part of CEL: comparisons of text, `in`, `startsWith`, `endsWith`,
// `contains`, `has`, `!`, `&&`, `||` and parentheses. Instead of regular expressions there is `glob`: a pattern of ours meets label
// values of anybody, and a glob takes linear time whatever they are.
import type { Alert } from "@tocsin/contracts";

/** What a matcher may ask about. */
export type Matchable = Pick<Alert, "name" | "service" | "severity" | "source" | "scope" | "labels" | "annotations">;
export type Matcher = (alert: Matchable) => boolean;

export type CompiledMatcher =
  | { readonly kind: "compiled"; readonly matches: Matcher }
  /** `column` counts from 1. */
  | { readonly kind: "invalid"; readonly column: number; readonly message: string };

const MAX_LENGTH = 2_000;
const MAX_DEPTH = 32;
const TOKEN = /\s*(?:(&&|\|\||==|!=|[!()[\],.])|([A-Za-z_][A-Za-z0-9_]*)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))/y;
const FIELDS = ["name", "service", "severity", "source", "scope"] as const;
const METHODS: Readonly<Record<string, (value: string, argument: string) => boolean>> = {
  startsWith: (value, argument) => value.startsWith(argument),
  endsWith: (value, argument) => value.endsWith(argument),
  contains: (value, argument) => value.includes(argument),
  glob: matchesGlob,
};

interface Token {
  readonly kind: "sign" | "word" | "text" | "end";
  readonly text: string;
  readonly column: number;
}

class Malformed extends Error {
  readonly column: number;
  constructor(column: number, message: string) {
    super(message);
    this.column = column;
  }
}

/**
 * Compiles a matcher, e.g. `severity != "critical" && (labels.team in ["db", "cache"] || service.glob("pay*"))`. A label or a field that an
 * alert lacks is the empty text.
 */
export function compileMatcher(text: string): CompiledMatcher {
  try {
    if (text.length > MAX_LENGTH) throw new Malformed(MAX_LENGTH, `longer than ${MAX_LENGTH} characters`);
    return { kind: "compiled", matches: parse(tokensOf(text)) };
  } catch (error) {
    if (error instanceof Malformed) return { kind: "invalid", column: error.column, message: error.message };
    throw error;
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (text.slice(at).trim() !== "") {
    const match = TOKEN.exec(text);
    const column = at + (text.slice(at).length - text.slice(at).trimStart().length) + 1;
    if (match === null) throw new Malformed(column, `${JSON.stringify(text[column - 1])} means nothing here`);
    const [, sign, word, quoted] = match;
    if (quoted !== undefined) tokens.push({ kind: "text", text: quoted.slice(1, -1).replace(/\\(.)/g, "$1"), column });
    else tokens.push({ kind: word === undefined ? "sign" : "word", text: (word ?? sign) as string, column });
    at = TOKEN.lastIndex;
  }
  return [...tokens, { kind: "end", text: "the end", column: text.length + 1 }];
}

function parse(tokens: readonly Token[]): Matcher {
  let at = 0;
  const peek = () => tokens[at] as Token;
  const isNext = (text: string) => peek().kind !== "text" && peek().text === text && peek().kind !== "end";
  const take = (text: string): boolean => {
    if (!isNext(text)) return false;
    at++;
    return true;
  };
  const expected = (what: string): Malformed => new Malformed(peek().column, `expected ${what}, found ${peek().text}`);
  const need = (text: string): void => {
    if (!take(text)) throw expected(`"${text}"`);
  };
  const literal = (): string => {
    const token = peek();
    if (token.kind !== "text") throw expected("a text in quotes");
    at++;
    return token.text;
  };

  function either(depth: number): Matcher {
    const parts = [both(depth)];
    while (take("||")) parts.push(both(depth));
    return parts.length === 1 ? (parts[0] as Matcher) : (alert) => parts.some((part) => part(alert));
  }
  function both(depth: number): Matcher {
    const parts = [one(depth)];
    while (take("&&")) parts.push(one(depth));
    return parts.length === 1 ? (parts[0] as Matcher) : (alert) => parts.every((part) => part(alert));
  }
  function one(depth: number): Matcher {
    if (depth > MAX_DEPTH) throw new Malformed(peek().column, `nested deeper than ${MAX_DEPTH}`);
    if (take("!")) {
      const denied = one(depth + 1);
      return (alert) => !denied(alert);
    }
    if (take("(")) {
      const inner = either(depth + 1);
      need(")");
      return inner;
    }
    if (take("true")) return () => true;
    if (take("has")) {
      need("(");
      const read = operand();
      need(")");
      return (alert) => read(alert) !== "";
    }
    return comparison(operand());
  }
  function operand(): (alert: Matchable) => string {
    const token = peek();
    const field = FIELDS.find((name) => name === token.text);
    if (token.kind === "word" && field !== undefined) {
      at++;
      return (alert) => alert[field] ?? "";
    }
    if (token.kind === "word" && (token.text === "labels" || token.text === "annotations")) {
      const { text: kind } = token as { readonly text: "labels" | "annotations" };
      at++;
      const key = take("[") ? literal() : member();
      if ((tokens[at - 2] as Token).text === "[") need("]");
      return (alert) => (Object.hasOwn(alert[kind], key) ? (alert[kind][key] ?? "") : "");
    }
    throw expected(`${FIELDS.join(", ")}, labels.… or annotations.…`);
  }
  function member(): string {
    need(".");
    const token = peek();
    if (token.kind !== "word") throw expected("a label's name");
    at++;
    return token.text;
  }
  function comparison(read: (alert: Matchable) => string): Matcher {
    if (take("==")) {
      const value = literal();
      return (alert) => read(alert) === value;
    }
    if (take("!=")) {
      const value = literal();
      return (alert) => read(alert) !== value;
    }
    if (take("in")) {
      need("[");
      const values = new Set([literal()]);
      while (take(",")) values.add(literal());
      need("]");
      return (alert) => values.has(read(alert));
    }
    if (take(".")) {
      const method = Object.hasOwn(METHODS, peek().text) ? METHODS[peek().text] : undefined;
      if (method === undefined) throw expected(Object.keys(METHODS).join(", "));
      at++;
      need("(");
      const argument = literal();
      need(")");
      return (alert) => method(read(alert), argument);
    }
    throw expected("==, !=, in or a method");
  }

  const matches = either(0);
  if (peek().kind !== "end") throw expected("&&, || or the end");
  return matches;
}

/** `*` stands for any text, `?` for one character. Goes back to the last star only, so the time is bounded by the product of the lengths. */
function matchesGlob(value: string, pattern: string): boolean {
  let [v, p, star, from] = [0, 0, -1, 0];
  while (v < value.length) {
    if (p < pattern.length && pattern[p] === "*") {
      star = p++;
      from = v;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === value[v])) {
      p++;
      v++;
    } else if (star >= 0) {
      p = star + 1;
      v = ++from;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
