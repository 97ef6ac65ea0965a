import type { Parameter } from "./format.ts";

/** Characters that are not seen or that change how their neighbours are seen: control, format (bidi, zero width), separators, private use. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u;

/** The pattern as it is applied: to the whole value, also when the author wrote `^a|b$`. Undefined when it does not compile. */
function anchored(pattern: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${pattern.replace(/^\^/, "").replace(/(?<!\\)\$$/, "")})$`, "u");
  } catch {
    return undefined;
  }
}

/** Why a parameter's pattern is not acceptable, or undefined. */
export function patternProblem(pattern: string): string | undefined {
  if (!pattern.startsWith("^") || !/(?<!\\)\$$/.test(pattern)) return "a pattern is anchored: it begins with ^ and ends with $";
  const compiled = anchored(pattern);
  if (!compiled) return `the pattern ${pattern} is not a regular expression`;
  if (compiled.test("")) return "the pattern matches the empty value, and an empty selector must never mean everything";
  if (compiled.test("-")) return "the pattern matches a value of a dash alone, which a program could read as a flag";
  if (compiled.test("*")) return "the pattern matches *, and a selector names one thing";
  // `.` and negated classes let in whatever nobody thought of: name what is allowed.
  if (/(?<!\\)(?:\.|\[\^)/.test(pattern.replace(/\[(?!\^)[^\]]*\]/g, "")) || /\\[SWD]/.test(pattern))
    return "the pattern says what is not allowed (`.`, `[^`, `\\S`); it has to say what is allowed";
  return undefined;
}

/** Why a value is refused for a parameter, or undefined when it may be used. */
export function valueProblem(name: string, parameter: Parameter, value: unknown): string | undefined {
  if (typeof value !== "string") return `${name} is not text`;
  if (value === "") return `${name} is empty, and an empty selector must never mean everything`;
  if (value.length > parameter.maxLength) return `${name} is longer than ${parameter.maxLength} characters`;
  if (UNSEEN.test(value)) return `${name} has characters that cannot be seen`;
  if (value !== value.normalize("NFKC")) return `${name} has characters that look like others`;
  if (value.startsWith("-") && parameter.type !== "integer") return `${name} begins with a dash, which a program could read as a flag`;
  if (value.includes("{{") || value.includes("}}")) return `${name} has double braces`;
  if (!anchored(parameter.pattern)?.test(value)) return `${name} does not match ${parameter.pattern}`;
  if (parameter.type === "integer") {
    const number = Number(value);
    if (!/^-?\d+$/.test(value) || !Number.isSafeInteger(number)) return `${name} is not a whole number`;
    if (number < parameter.min || number > parameter.max) return `${name} is not between ${parameter.min} and ${parameter.max}`;
  }
  return undefined;
}
