// The part of the lab's API that drills need, where the shop runs as containers and no supervisor is there: it passes a fault on to the
// admin port of the service's own process. Faults that come with a release or a configuration are an orchestrator's to roll out, so
// they are not offered here. Containers are acted on through Docker, not through this.
import { createServer, type IncomingMessage, type Server } from "node:http";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { FAULTS } from "../supervisor/fault-catalogue.ts";
import { isProcessFault } from "./process-fault.ts";

const ASK_TIMEOUT_MS = 2_000;
const MAX_BODY = 65_536;

type Answer = readonly [status: number, body: object];

const problem = (status: number, code: string, detail: string, more: object = {}): Answer => [
  status,
  { ...more, type: `urn:tocsin:error:${code}`, title: code, status, detail, code },
];

/**
 * `GET /healthz` · `GET /v1/faults` · `GET | POST {fault, seconds} | DELETE /v1/services/:id/faults`, answered as the lab's own API does.
 *
 * @param services base address of each service's admin port, by name
 */
export function faultGateway(services: ReadonlyMap<string, string>): Server {
  const names = [...services.keys()];
  const offered = FAULTS.filter(({ id }) => isProcessFault(id)).map((fault) => ({
    ...fault,
    targets: fault.targets.filter((name) => services.has(name)),
  }));

  async function ask(service: string, method: "GET" | "POST" | "DELETE", body?: object): Promise<Answer> {
    try {
      const response = await fetch(`${services.get(service)}/faults`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
      });
      return [response.status, (await response.json()) as object];
    } catch (error) {
      // It hangs, restarts or is gone: whoever drills it may try again, and the fault ends by itself.
      return problem(503, "FAULT_REFUSED", `${service} does not answer on its admin port: ${(error as Error).message}`);
    }
  }

  async function onService(service: string, request: IncomingMessage): Promise<Answer> {
    if (!services.has(service)) return problem(404, "TARGET_UNKNOWN", `there is no ${service}`, { known: names });
    if (request.method === "GET") return await ask(service, "GET");
    if (request.method === "DELETE") return await ask(service, "DELETE");
    if (request.method !== "POST") return problem(405, "REQUEST_INVALID", "GET, POST or DELETE");
    const { fault, seconds } = await readBody(request);
    if (typeof fault !== "string" || typeof seconds !== "number") return problem(400, "LAB_BODY_INVALID", "{fault, seconds} is expected");
    const known = offered.map(({ id }) => id);
    if (!known.includes(fault)) return problem(404, "FAULT_UNKNOWN", `there is no fault ${fault} here`, { known });
    const seen = await ask(service, "GET");
    if (seen[0] !== 200) return seen;
    const { items = [] } = seen[1] as { items?: readonly string[] };
    if (items.length > 0) return problem(409, "FAULT_ACTIVE", `${service} has ${items.join(", ")} already`);
    const [status, answer] = await ask(service, "POST", { fault, seconds });
    if (status === 202) return [202, { fault, until: new Date(Date.now() + seconds * 1_000).toISOString() }];
    return status === 400 ? problem(400, "LAB_BODY_INVALID", "seconds is a number from 1 to 3600") : [status, answer];
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    const path = (request.url ?? "/").split("?", 1)[0] as string;
    if (path === "/healthz") return [200, { status: "ok" }];
    if (path === "/v1/faults" && request.method === "GET") return [200, { items: offered }];
    const service = /^\/v1\/services\/([^/]+)\/faults$/.exec(path)?.[1];
    if (service !== undefined) return await onService(decodeURIComponent(service), request);
    return problem(404, "HTTP_ROUTE_NOT_FOUND", `no route ${path}`);
  }

  return createServer((request, response) => {
    void answer(request)
      .catch((error: Error) => problem(400, "LAB_BODY_INVALID", error.message))
      .then(([status, body]) => {
        response.writeHead(status, { "content-type": status < 400 ? "application/json" : "application/problem+json", connection: "close" });
        response.end(JSON.stringify(body));
      });
  });
}

async function readBody(request: IncomingMessage): Promise<{ fault?: unknown; seconds?: unknown }> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MAX_BODY) throw new Error("too long");
  }
  return (JSON.parse(text) ?? {}) as { fault?: unknown; seconds?: unknown };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({
    options: {
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "8081" },
      /** `<name>=<base address of its admin port>` */
      service: { type: "string", multiple: true, default: [] },
    },
  });
  const server = faultGateway(new Map(values.service.map((pair) => pair.split(/=(.*)/s, 2) as [string, string])));
  server.listen(Number(values.port), values.host);
  process.on("SIGTERM", () => server.close(() => process.exit(0)));
}
