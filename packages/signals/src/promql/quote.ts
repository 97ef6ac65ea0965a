/** A text as a PromQL (or LogQL) string literal: the only way a label value enters a query. */
export const quoteLabelValue = (value: string): string =>
  `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\0", "")}"`;

/** A text as an RE2 pattern that matches it alone. */
export const escapePattern = (value: string): string => value.replace(/[\\^$.|?*+()[\]{}-]/g, "\\$&");

/** One of these values, as a quoted pattern for `=~`. */
export const quoteAnyOf = (values: readonly string[]): string => quoteLabelValue(values.map(escapePattern).join("|"));
