// The part of LogQL that a check needs: how many lines of a stream within a time hold a text. It is evaluated over lines, so that
// the same check works with Loki and without it.
import { durationMs } from "./format.ts";

export interface LogCount {
  readonly kind: "count";
  readonly service: string;
  readonly windowMs: number;
  readonly filters: readonly { readonly op: "|=" | "!=" | "|~" | "!~"; readonly text: string }[];
}

const COUNT =
  /^\s*count_over_time\(\s*\{\s*service\s*=\s*"((?:[^"\\]|\\.)*)"\s*\}((?:\s*(?:\|=|!=|\|~|!~)\s*"(?:[^"\\]|\\.)*")*)\s*\[([^\]]+)\]\s*\)\s*$/;

export function parseLogql(query: string): LogCount | { readonly kind: "refused"; readonly reason: string } {
  const match = COUNT.exec(query);
  const windowMs = durationMs(match?.[3] ?? "");
  if (!match || Number.isNaN(windowMs))
    return { kind: "refused", reason: 'a logql check has the form count_over_time({service="…"} |= "…" [1m]) with |=, !=, |~ and !~' };
  const filters = [...(match[2] as string).matchAll(/(\|=|!=|\|~|!~)\s*"((?:[^"\\]|\\.)*)"/g)].map(([, op, text]) => ({
    op: op as LogCount["filters"][number]["op"],
    text: unquoted(text as string),
  }));
  for (const { op, text } of filters) {
    if (op === "|~" || op === "!~") {
      try {
        new RegExp(text, "u");
      } catch {
        return { kind: "refused", reason: `${text} is not a regular expression` };
      }
    }
  }
  return { kind: "count", service: unquoted(match[1] as string), windowMs, filters };
}

const unquoted = (text: string): string => text.replace(/\\(.)/g, "$1");

/** How many of the lines pass every filter. The caller gives the lines of the service within the window. */
export function countLines(query: LogCount, messages: readonly string[]): number {
  const tests = query.filters.map(({ op, text }) => {
    const pattern = op === "|~" || op === "!~" ? new RegExp(text, "u") : undefined;
    const holds = (message: string) => (pattern ? pattern.test(message) : message.includes(text));
    return op === "|=" || op === "|~" ? holds : (message: string) => !holds(message);
  });
  return messages.filter((message) => tests.every((test) => test(message))).length;
}
