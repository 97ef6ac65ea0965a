// Secrets in text from outside, made unreadable at the edge: before a line is stored, shown or sent to a model. Patterns are linear.

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN ([A-Z ]{0,40})PRIVATE KEY-----[\s\S]{0,20000}?(?:-----END \1PRIVATE KEY-----|$)/g, "[redacted private key]"],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, "[redacted token]"],
  [/\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}\b/g, "[redacted aws key]"],
  [/\b(aws_secret_access_key["']?\s*[=:]\s*["']?)[A-Za-z0-9/+=]{40}/gi, "$1[redacted]"],
  [/\bgl(?:pat|oas|dt|rt|cbt|ptt|ft|soat|ffct|agent)-[A-Za-z0-9_.-]{16,}/g, "[redacted gitlab token]"],
  [/\bgh[pousr]_[A-Za-z0-9]{30,}\b|\bgithub_pat_[A-Za-z0-9_]{30,}\b/g, "[redacted github token]"],
  [/\bxox[abeprs]-[A-Za-z0-9-]{10,}/g, "[redacted slack token]"],
  [/\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}/g, "[redacted api key]"],
  [/\bAIza[A-Za-z0-9_-]{35}\b/g, "[redacted api key]"],
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/?#:@"'<>]{0,256}:[^\s/?#@"'<>]{1,256}@/gi, "$1[redacted]@"],
  [/\b((?:proxy-)?authorization["']?\s*[=:]\s*["']?(?:basic|bearer|token)\s+)[A-Za-z0-9._~+/=-]{6,}/gi, "$1[redacted]"],
  [/\b(bearer\s+)[A-Za-z0-9._~+/=-]{16,}/gi, "$1[redacted]"],
  [
    /\b([\w.-]{0,64}?(?:pass(?:word|wd)?|pwd|secret|api[_-]?key|access[_-]?key|access[_-]?token|auth[_-]?token|refresh[_-]?token|private[_-]?token|token)["']?\s*[=:]\s*)(?!\[redacted)("(?:[^"\\]|\\.){1,512}"|'[^']{1,512}'|[^\s,;&"'}\])]{3,512})/gi,
    "$1[redacted]",
  ],
];

/** The text with every secret of a known shape replaced by what it was. */
export function redact(text: string): string {
  let redacted = text;
  for (const [pattern, replacement] of PATTERNS) redacted = redacted.replace(pattern, replacement);
  return redacted;
}
