/** Pure: only addresses of the web become links; whatever else telemetry says stays text. */
export function safeHref(href: string | undefined): string | undefined {
  if (href === undefined || !URL.canParse(href)) return undefined;
  const { protocol } = new URL(href);
  return protocol === "http:" || protocol === "https:" ? href : undefined;
}
