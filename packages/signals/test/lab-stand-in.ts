// A lab of one's own: the supervisor's HTTP API and services whose metrics the test sets.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

export type Responder = (request: IncomingMessage, response: ServerResponse) => void;

export interface Loopback {
  readonly url: string;
  /** What was asked, e.g. `/v1/logs?service=a`. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** A loopback HTTP server that answers as told. */
export async function loopback(respond: Responder): Promise<Loopback> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(request.url ?? "");
    respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no address");
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
};

export const text = (response: ServerResponse, body: string, status = 200): void => {
  response.writeHead(status, { "content-type": "text/plain" });
  response.end(body);
};

/** Answers of the lab by path; `/<service>/metrics` are scraped. */
export interface LabState {
  /** Metrics text of a service; undefined: it does not answer. */
  metrics: Record<string, string | undefined>;
  logs: unknown[];
  spans: unknown[];
  topology: unknown;
  changes: unknown[];
}

export interface LabStandIn extends Loopback {
  readonly state: LabState;
}

export async function labStandIn(metrics: LabState["metrics"] = {}): Promise<LabStandIn> {
  const state: LabState = { metrics, logs: [], spans: [], topology: { services: [] }, changes: [] };
  const server = await loopback((request, response) => {
    const { pathname, host } = new URL(request.url ?? "/", `http://${request.headers.host}`);
    const items: Record<string, unknown[]> = { "/v1/logs": state.logs, "/v1/spans": state.spans, "/v1/changes": state.changes };
    if (pathname === "/v1/scrape-targets") {
      const groups = Object.keys(state.metrics).map((service) => ({
        targets: [host],
        labels: { service, instance: service, __metrics_path__: `/${service}/metrics` },
      }));
      return json(response, groups);
    }
    if (pathname === "/v1/topology") return json(response, state.topology);
    const list = items[pathname];
    if (list) return json(response, { items: list });
    const [, service = "", last] = pathname.split("/");
    const body = state.metrics[service];
    if (last !== "metrics" || body === undefined) return text(response, "away", 503);
    text(response, body);
  });
  return { ...server, state };
}
