/** Marks where something was cut off or could not be kept. */
const CUT = "…";

/**
 * Text as every part below can hold it: no NUL, which Postgres refuses in `text` and `jsonb`, and no half of a surrogate pair, which has
 * no UTF-8. Both become U+FFFD, so that a reader sees that something was there.
 *
 * @param maxLength in UTF-16 units; what is longer is cut, never inside a pair
 */
export function cleanText(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength).replace(/[\ud800-\udbff]$/, "")}${CUT}` : text;
  return cut.toWellFormed().replaceAll("\u0000", "\ufffd");
}
