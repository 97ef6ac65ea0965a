// Label matchers. Prometheus matches with RE2, which has no look-around, no back-reference and no catastrophic pattern; a JavaScript
// pattern has all three, and queries arrive in alerts from outside. So patterns are translated, and what could run away is refused.
export type MatchOperator = "=" | "!=" | "=~" | "!~";

export interface LabelMatcher {
  readonly name: string;
  readonly op: MatchOperator;
  readonly value: string;
}

export type LabelTest = (value: string) => boolean;

const MAX_PATTERN_CHARS = 4_096;
const MAX_REMEMBERED = 10_000;

/** @throws Error with a message for people when the pattern cannot be used */
export function compileMatcher(matcher: LabelMatcher): LabelTest {
  const { op, value } = matcher;
  if (op === "=") return (text) => text === value;
  if (op === "!=") return (text) => text !== value;
  const pattern = compilePattern(value);
  const wanted = op === "=~";
  const known = new Map<string, boolean>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    if (known.size >= MAX_REMEMBERED) known.clear();
    const answer = pattern.test(text) === wanted;
    known.set(text, answer);
    return answer;
  };
}

/** RE2 text to an anchored JavaScript pattern. @throws Error with a message for people */
export function compilePattern(re2: string): RegExp {
  if (re2.length > MAX_PATTERN_CHARS) throw new Error(`pattern longer than ${MAX_PATTERN_CHARS} characters`);
  let flags = "s";
  let source = re2;
  const leading = /^\(\?([ims]+)\)/.exec(source);
  if (leading) {
    source = source.slice(leading[0].length);
    for (const flag of leading[1] ?? "") if (!flags.includes(flag)) flags += flag;
  }
  source = source.replaceAll("(?P<", "(?<");
  refuseRunaway(source);
  try {
    return new RegExp(`^(?:${source})$`, flags);
  } catch {
    throw new Error(`pattern ${JSON.stringify(re2)} is not a regular expression`);
  }
}

/**
 * Refuses what RE2 does not know (look-around, back-references) and a repeated group that itself repeats or chooses, the shape of every
 * pattern that takes exponential time.
 */
function refuseRunaway(source: string): void {
  const groups: { branching: boolean }[] = [{ branching: false }];
  let unbounded = 0;
  for (let i = 0; i < source.length; i++) {
    const char = source[i];
    if (char === "\\") {
      if (/[1-9]/.test(source[i + 1] ?? "")) throw new Error("back-references are not supported");
      i++;
    } else if (char === "[") {
      i = endOfClass(source, i);
    } else if (char === "(") {
      if (/^\(\?(?:=|!|<=|<!)/.test(source.slice(i, i + 4))) throw new Error("look-around is not supported");
      groups.push({ branching: false });
    } else if (char === ")") {
      const inner = groups.pop() ?? { branching: false };
      const outer = groups[groups.length - 1];
      if (isUnbounded(source, i + 1) && inner.branching) throw new Error("a repeated group may not itself repeat or choose");
      if (outer && inner.branching) outer.branching = true;
    } else if (char === "|") {
      const group = groups[groups.length - 1];
      if (group) group.branching = true;
    }
    if (char !== "(" && char !== "|" && isUnbounded(source, i + 1)) {
      const group = groups[groups.length - 1];
      if (group) group.branching = true;
      if (++unbounded > 8) throw new Error("more than eight unbounded repetitions");
    }
  }
}

const isUnbounded = (source: string, at: number): boolean =>
  source[at] === "*" || source[at] === "+" || /^\{\d+,\d*\}/.test(source.slice(at, at + 12));

function endOfClass(source: string, start: number): number {
  let i = start + 1;
  if (source[i] === "^") i++;
  if (source[i] === "]") i++;
  for (; i < source.length && source[i] !== "]"; i++) if (source[i] === "\\") i++;
  return i;
}
