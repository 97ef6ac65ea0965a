// A placeholder `{{service}}` may stand only where its value cannot change the meaning of what surrounds it. Each place has its own rule and
// its own encoder; there is no general template language, and no shell ever reads the outcome.

/** Where a text stands, and so how a value may enter it. */
export type Slot =
  | "literal" // no placeholder at all
  | "whole" // the text is one placeholder, or has none
  | "argument" // an element of argv: one whole placeholder, or `--flag={{x}}`
  | "query" // PromQL or LogQL: the whole quoted value of an equality matcher, `label="{{x}}"`
  | "url" // a segment of the path or the value of a query parameter, percent-encoded
  | "prose"; // text for people

const PLACEHOLDER = /\{\{([a-z][a-zA-Z0-9]*(?:\.[a-z]+)?)\}\}/g;
const WHOLE = /^\{\{[a-z][a-zA-Z0-9]*(?:\.[a-z]+)?\}\}$/;
const FLAG = /^--?[a-zA-Z][a-zA-Z0-9-]*=\{\{[a-z][a-zA-Z0-9]*\}\}$/;

/** The names of the placeholders in a text, each once. */
export const placeholdersIn = (text: string): readonly string[] => [...new Set([...text.matchAll(PLACEHOLDER)].map((m) => m[1] as string))];

/** Why the placeholders of a text may not stand where they do, or undefined. */
export function placeholderProblem(slot: Slot, text: string): string | undefined {
  const rest = text.replace(PLACEHOLDER, "");
  if (rest.includes("{{") || rest.includes("}}")) return "double braces stand only around a parameter's name: {{service}}, without spaces";
  if (placeholdersIn(text).length === 0) return undefined;
  switch (slot) {
    case "literal":
      return "no placeholder may stand here";
    case "whole":
      return WHOLE.test(text) ? undefined : "a placeholder has to be the whole value here";
    case "argument":
      return WHOLE.test(text) || FLAG.test(text)
        ? undefined
        : "in argv a placeholder has to be a whole element or the value of a flag: --flag={{x}}";
    case "query":
      return text.replace(/(?:[^!=~<>]|!)="\{\{[a-z][a-zA-Z0-9]*\}\}"/g, "").includes("{{")
        ? 'in a query a placeholder has to be the whole value of an equality matcher: service="{{service}}"'
        : undefined;
    case "url":
      return /^https?:\/\/[^/?#{}@\s]+(?:[/?#]|$)/.test(text) ? undefined : "the origin of a URL has to be literal";
    case "prose":
      return undefined;
  }
}

const ENCODERS: Readonly<Record<Slot, (value: string) => string>> = {
  literal: (value) => value,
  whole: (value) => value,
  argument: (value) => value,
  query: (value) => value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n"),
  url: (value) => encodeURIComponent(value).replaceAll(".", "%2E"), // `..` would climb
  prose: (value) => value,
};

/**
 * Puts values in place of placeholders, encoded for where they stand.
 *
 * @param values checked by {@link valueProblem}; a placeholder without a value is left as it is, for a later time (`before.revision`)
 */
export function fillIn(slot: Slot, text: string, values: Readonly<Record<string, string>>): string {
  const encode = ENCODERS[slot];
  return text.replace(PLACEHOLDER, (whole, name: string) => (Object.hasOwn(values, name) ? encode(values[name] as string) : whole));
}
