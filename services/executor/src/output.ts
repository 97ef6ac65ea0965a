// What steps print comes from outside: it is cut, cleaned of control characters and of what looks like a secret before it is kept or shown.
import { redact } from "@tocsin/runtime";

const MAX_CHARACTERS = 16_000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal escapes are what is looked for
const TERMINAL = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Cf}]/gu;

/**
 * Output as it may be kept and shown.
 *
 * @param limit characters to keep: the first quarter and the end, since what went wrong is said last. Default 16,000
 */
export function presentable(text: string, limit = MAX_CHARACTERS): string {
  let clean = text.replace(/\r\n?/g, "\n").replace(TERMINAL, "").replace(UNSEEN, "").toWellFormed();
  clean = redact(clean).trim();
  if (clean.length <= limit) return clean;
  const head = Math.floor(limit / 4);
  const cut = clean.length - limit;
  return `${clean.slice(0, head)}\n[… ${cut} characters left out …]\n${clean.slice(head + cut)}`.toWellFormed();
}
