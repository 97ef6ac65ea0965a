// The outside world that is acted on: a fleet behind the same API as the lab's. It outlives every service, so what it wrote down is what
// really happened to a target, whatever the services say.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** Something that was done to a target, once for each time that it was really done. */
export interface Act {
  readonly operationId: string;
  readonly target: string;
  readonly verb: string;
  /** Who asked: the name in the address by which it knows the fleet, `<url>/as/<name>`. */
  readonly by: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  finishedAt: number | undefined;
}

export interface Fleet {
  readonly url: string;
  readonly names: readonly string[];
  readonly acts: readonly Act[];
  /** Calls that asked for an operation that was known already: answered, not done again. */
  readonly repeats: readonly string[];
  break(name: string): void;
  heal(name: string): void;
  isBroken(name: string): boolean;
  /** How long an act takes, in milliseconds. */
  actMs: number;
  /** Called when an act begins, before it takes effect. */
  onAct: (act: Act) => void;
  /** OpenMetrics: every service up for the last quarter of an hour, so that being down is something new. */
  history(nowMs: number): string;
  close(): Promise<void>;
}

interface Node {
  readonly name: string;
  broken: boolean;
  startedAt: number;
  restarts: number;
}

export async function startFleet(count: number): Promise<Fleet> {
  const nodes = new Map<string, Node>();
  for (let n = 0; n < count; n++) {
    const name = `node-${String(n).padStart(2, "0")}`;
    nodes.set(name, { name, broken: false, startedAt: Date.now() - 900_000, restarts: 0 });
  }
  const acts: Act[] = [];
  const repeats: string[] = [];
  const done = new Map<string, Promise<object>>();
  let address = "";

  const view = ({ name, broken, startedAt, restarts }: Node) => ({
    id: name,
    managed: true,
    replicas: [{ id: `${name}-1`, state: "running", healthy: !broken, startedAt: new Date(startedAt).toISOString(), restarts }],
    revision: "v1",
    labels: {},
  });

  async function restart(node: Node, operationId: string, by: string): Promise<object> {
    const act: Act = { operationId, target: node.name, verb: "restart", by, startedAt: Date.now(), finishedAt: undefined };
    acts.push(act);
    const before = view(node);
    fleet.onAct(act);
    await delay(fleet.actMs);
    node.broken = false;
    node.startedAt = Date.now();
    node.restarts++;
    act.finishedAt = Date.now();
    return { text: `${node.name} restarted`, before, after: view(node) };
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, by = "", pathname = "/"] = /^(?:\/as\/([\w-]+))?(\/[^?]*)/.exec(request.url ?? "/") ?? [];
    const json = (body: unknown, status = 200) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    const [, area, id = "", verb] = /^\/v1\/(\w[\w-]*)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(pathname) ?? [];
    if (pathname === "/healthz") return void json({});
    if (pathname.startsWith("/metrics/")) {
      const node = nodes.get(pathname.slice("/metrics/".length));
      if (!node || node.broken) return void response.writeHead(503).end();
      return void response
        .writeHead(200, { "content-type": "text/plain; version=0.0.4" })
        .end(`# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds ${node.startedAt / 1_000}\n`);
    }
    if (area === "scrape-targets")
      return void json(
        [...nodes.keys()].map((name) => ({
          targets: [address],
          labels: { service: name, instance: name, __metrics_path__: `/metrics/${name}` },
        })),
      );
    if (area !== "services") return void json(area === "topology" ? { services: [], edges: [] } : { items: [] });
    if (id === "") return void json({ items: [...nodes.values()].map(view) });
    const node = nodes.get(id);
    if (!node) return void json({ code: "TARGET_UNKNOWN", known: [...nodes.keys()] }, 404);
    if (verb === undefined) return void json(view(node));
    if (verb !== "restart") return void json({ code: "TARGET_UNSUPPORTED" }, 422);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { operationId } = JSON.parse(Buffer.concat(chunks).toString()) as { operationId: string };
    // Once asked for, it happens, whether or not the asker lives to hear of it.
    if (done.has(operationId)) repeats.push(operationId);
    else done.set(operationId, restart(node, operationId, by));
    json(await done.get(operationId));
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const nodeOf = (name: string): Node => {
    const node = nodes.get(name);
    if (!node) throw new Error(`no node ${name}`);
    return node;
  };
  const fleet: Fleet = {
    url: `http://${address}`,
    names: [...nodes.keys()],
    acts,
    repeats,
    actMs: 400,
    onAct: () => {},
    break: (name) => {
      nodeOf(name).broken = true;
    },
    heal: (name) => {
      nodeOf(name).broken = false;
    },
    isBroken: (name) => nodeOf(name).broken,
    history(nowMs) {
      const lines = ["# TYPE up gauge"];
      for (const name of nodes.keys())
        for (let ago = 900; ago > 0; ago -= 3)
          lines.push(`up{instance="${name}",job="lab",service="${name}"} 1 ${Math.round(nowMs / 1_000 - ago)}`);
      return `${lines.join("\n")}\n# EOF\n`;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return fleet;
}
