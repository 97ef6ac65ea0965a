/** What looks like a secret, and what is left of it. Names are kept, so that a reader knows what was there. */
const SECRETS: readonly (readonly [pattern: RegExp, left: string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, "[private key]"],
  [/\bgl(?:pat|dt|rt|ptt|cbt|soat|oas|ft|imt|agent)-[\w-]{15,}/g, "[gitlab token]"],
  [/\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}/g, "[github token]"],
  [/\bxox[abprs]-[\w-]{10,}/g, "[slack token]"],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, "[aws key]"],
  [/\bsk-[\w-]{20,}/g, "[api key]"],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, "[jwt]"],
  [/(\b[a-z][a-z\d+.-]*:\/\/[^\s:/@]*):[^\s@/]+@/gi, "$1:[redacted]@"],
  [/(\bBearer\s+)[\w.~+/=-]{8,}/gi, "$1[redacted]"],
  [/(\b[\w-]*(?:password|passwd|secret|token|api[_-]?key)["']?\s*[=:]\s*["']?)[^\s"',;&]{4,}/gi, "$1[redacted]"],
];

/** Takes secrets out of text that leaves for people to read. Patterns only: it lessens an accident and is no guard. */
export function redact(text: string): string {
  return SECRETS.reduce((kept, [pattern, left]) => kept.replaceAll(pattern, left), text);
}
