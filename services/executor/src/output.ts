// What steps print comes from outside: it is cut, cleaned of control characters and of what looks like a secret before it is kept or shown.
const MAX_CHARACTERS = 16_000;
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, "[private key]"],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, "[token]"],
  [/\b(?:glpat|gldt|glrt|ghp|gho|ghs|github_pat|xox[abprs]|sk|sk-ant)[-_][A-Za-z0-9_-]{16,}/g, "[token]"],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, "[key]"],
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/@]+@/gi, "$1:[redacted]@"],
  [/(\bauthorization["']?\s*[:=]\s*["']?(?:bearer|basic)\s+)[^\s"',;]+/gi, "$1[redacted]"],
  [/(\b[\w.-]*(?:password|passwd|secret|token|api[_-]?key|private[_-]?key)["']?\s*[:=]\s*["']?)[^\s"',;&]{3,}/gi, "$1[redacted]"],
];
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
  for (const [pattern, instead] of SECRETS) clean = clean.replace(pattern, instead);
  clean = clean.trim();
  if (clean.length <= limit) return clean;
  const head = Math.floor(limit / 4);
  const cut = clean.length - limit;
  return `${clean.slice(0, head)}\n[… ${cut} characters left out …]\n${clean.slice(head + cut)}`.toWellFormed();
}
