// Terms. In separate processes each service answers its own routes at its own address. A browser knows one address, the console's; what
// belongs to another service is *forwarded* from there to its *upstream*: one or more origins, one for each replica.
import * as z from "zod";

/** Which paths another service answers. `:name` is one segment, a last `*` the rest. */
export const FORWARDED = {
  bridge: ["/webhooks/*", "/api/v1/quarantine", "/api/v1/quarantine/*"],
  correlator: [
    "/api/v1/silences",
    "/api/v1/silences/:id",
    "/api/v1/maintenance-windows",
    "/api/v1/maintenance-windows/:id",
    "/api/v1/storm",
    "/api/v1/heartbeats",
    "/api/v1/heartbeats/:id",
  ],
  "sre-agent": ["/api/v1/incidents/:id/ask", "/api/v1/incidents/:id/runbook-draft", "/api/v1/analyze", "/api/v1/llm", "/api/v1/llm/*"],
  executor: ["/api/v1/runbooks/:id/dry-run"],
  "chaos-api": ["/api/v1/faults", "/api/v1/drills", "/api/v1/drills/*"],
} as const;
export type ForwardedService = keyof typeof FORWARDED;

const NAMES = Object.keys(FORWARDED) as ForwardedService[];

export type Upstreams = Readonly<Partial<Record<ForwardedService, readonly string[]>>>;
/** Each service that has an upstream, with its origins. */
export const upstreamEntries = (upstreams: Upstreams) => Object.entries(upstreams) as [ForwardedService, readonly string[]][];

/** `bridge=http://a:8080|http://b:8080,correlator=http://c:8080` */
export const UpstreamsText = z
  .string()
  .default("")
  .transform((text, context): Upstreams => {
    const upstreams: Partial<Record<ForwardedService, readonly string[]>> = {};
    for (const entry of text.split(",").map((part) => part.trim())) {
      if (entry === "") continue;
      const [name, origins = ""] = entry.split(/=(.*)/s);
      const list = origins.split("|").map((origin) => origin.trim());
      if (!NAMES.includes(name as ForwardedService))
        context.addIssue({ code: "custom", message: `no service "${name}" is forwarded to; known: ${NAMES.join(", ")}` });
      else if (list.some((origin) => !isOrigin(origin)))
        context.addIssue({ code: "custom", message: `${name} wants origins like http://host:8080, several with |` });
      else upstreams[name as ForwardedService] = list.map((origin) => new URL(origin).origin);
    }
    return upstreams;
  });

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, pathname, search, username } = new URL(text);
  return /^https?:$/.test(protocol) && pathname === "/" && search === "" && username === "";
}

/** Pure: does a path of OpenAPI (`/api/v1/drills/{id}`) belong to what is forwarded to the service? */
export const isForwarded = (service: ForwardedService, path: string): boolean =>
  FORWARDED[service].some((pattern) => {
    const expression = pattern.replaceAll(/:[^/]+/g, "[^/]+").replace(/\*$/, ".*");
    return new RegExp(`^${expression}$`).test(path);
  });
