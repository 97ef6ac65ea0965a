/** Marks where something was cut off or could not be kept. */
const CUT = "…";

/**
 * Text as every part below can hold it: no NUL, which Postgres refuses in `text` and `jsonb`, and no half of a surrogate pair, which has
 * no UTF-8. Both become U+FFFD, so that a reader sees that something was there.
 *
 * @param maxLength in UTF-16 units; what is longer is cut, never inside a pair
 */
export function cleanText(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  if (text.length <= maxLength && isClean(text)) return text;
  const cut = text.length > maxLength ? `${text.slice(0, maxLength).replace(/[\ud800-\udbff]$/, "")}${CUT}` : text;
  return cut.toWellFormed().replaceAll("\u0000", "\ufffd");
}

/** Up to this length a look at each unit is quicker than the two calls that look at all of them. */
const SHORT = 64;

function isClean(text: string): boolean {
  if (text.length > SHORT) return text.isWellFormed() && !text.includes("\u0000");
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0 || (unit >= 0xd800 && unit <= 0xdfff)) return false; // whole pairs too: they are looked at properly
  }
  return true;
}
