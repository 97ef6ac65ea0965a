/** Where a source is, and the headers every question to it carries. */
export interface SourceAddress {
  /** Without a slash at the end. */
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Credentials in the URL become a header, as fetch refuses them in a URL, and so they are in no message either.
 *
 * @param tenant sent as `X-Scope-OrgID` (Loki, Tempo, Mimir)
 */
export function sourceAddress(url: string, tenant?: string): SourceAddress {
  const parsed = new URL(url);
  const headers: Record<string, string> = {};
  if (parsed.username !== "" || parsed.password !== "") {
    const pair = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`;
    headers["authorization"] = `Basic ${Buffer.from(pair).toString("base64")}`;
    parsed.username = "";
    parsed.password = "";
  }
  if (tenant !== undefined) headers["x-scope-orgid"] = tenant;
  return { base: parsed.href.replace(/\/+$/, ""), headers };
}
