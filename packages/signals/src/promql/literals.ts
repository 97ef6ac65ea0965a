const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** `1h30m` in milliseconds, or undefined when the text is no duration. A bare number means seconds, as in Prometheus 3. */
export function parseDurationMs(text: string): number | undefined {
  if (/^(?:\d+(?:ms|[smhdwy]))+$/.test(text)) {
    let total = 0;
    for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) total += Number(count) * (UNIT_MS[unit ?? ""] ?? Number.NaN);
    return total;
  }
  const seconds = parseNumber(text);
  return seconds === undefined ? undefined : seconds * 1_000;
}

/** A PromQL number: decimal, exponent, hexadecimal, underscores, Inf, NaN, or a duration in seconds. */
export function parseNumber(text: string): number | undefined {
  const sign = text.startsWith("-") ? -1 : 1;
  const body = text.replace(/^[+-]/, "").trim().replaceAll("_", "");
  if (/^inf(inity)?$/i.test(body)) return sign * Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(body)) return Number.NaN;
  if (/^0x[0-9a-f]+$/i.test(body) || /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(body)) return sign * Number(body);
  if (/^(?:\d+(?:ms|[smhdwy]))+$/.test(body)) return (sign * (parseDurationMs(body) ?? Number.NaN)) / 1_000;
  return undefined;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

/** The text of a quoted literal, or undefined when it is not closed or has an unknown escape (Go's rules). */
export function parseString(literal: string): string | undefined {
  const quote = literal[0];
  if (literal.length < 2 || literal[literal.length - 1] !== quote) return undefined;
  const body = literal.slice(1, -1);
  if (quote === "`") return body;
  let text = "";
  for (let i = 0; i < body.length; i++) {
    if (body[i] === "\n" || body[i] === quote) return undefined;
    if (body[i] !== "\\") {
      text += body[i];
      continue;
    }
    const rest = body.slice(i + 1);
    const coded = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))/.exec(rest);
    if (coded) {
      const code = coded[4] ? Number.parseInt(coded[4], 8) : Number.parseInt(coded[1] ?? coded[2] ?? coded[3] ?? "", 16);
      if (code > 0x10ffff) return undefined;
      text += String.fromCodePoint(code);
      i += coded[0].length;
    } else {
      const plain = ESCAPES[rest[0] ?? ""];
      if (plain === undefined) return undefined;
      text += plain;
      i++;
    }
  }
  return text;
}
